package sdk

import "fmt"

// Declare makes a plugin that only has its part of the language: configurations that use it are checked, and nothing
// carries it out. info has the kind. It is for types whose machinery is still to come.
func Declare[C any](info Info) Plugin {
	p := Plugin{info: info}
	Config[C]()(&p)
	if p.info.Version == "" {
		p.info.Version = "declared"
	}
	if err := p.info.Check(); err != nil {
		panic(fmt.Sprintf("sdk: declared plugin %q: %v", info.Name, err))
	}
	return p
}

// Declared says whether the plugin was made by Declare, so that there is nothing to serve.
func (p Plugin) Declared() bool { return p.bind == nil }
