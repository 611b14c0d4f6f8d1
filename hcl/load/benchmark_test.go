package load

import (
	"fmt"
	"strings"
	"testing"
)

// large writes a configuration of virtual servers with real servers, each of which has a check of its own.
func large(virtual, real int) Source {
	var s strings.Builder
	for v := range virtual {
		fmt.Fprintf(&s, "virtual_server \"vs%04d\" {\n  address   = \"10.0.%d.%d:80\"\n  protocol  = \"tcp\"\n  scheduler = \"wrr\"\n  forward   = \"nat\"\n\n", v, v/250, v%250+1)
		for r := range real {
			fmt.Fprintf(&s, "  real_server \"10.%d.%d.%d:80\" {\n    weight = %d\n\n    check \"http\" {\n      interval = \"6s\"\n      timeout  = \"3s\"\n      path     = \"/health/%d\"\n    }\n  }\n", 1+v/250, v%250, r+1, 1+r%3, r)
		}
		s.WriteString("}\n\n")
	}
	return Source{Name: "large.hcl", Text: []byte(s.String())}
}

// BenchmarkLoad loads 1,000 virtual servers with 16 real servers each, every one with a check: keepalived -t takes 0.17 s
// for its equivalent, and loading must stay within three times that.
func BenchmarkLoad(b *testing.B) {
	source := large(1000, 16)
	b.SetBytes(int64(len(source.Text)))
	b.ReportAllocs()
	for b.Loop() {
		cfg, diags := Sources([]Source{source}, Options{Types: &fakeTypes{}})
		if cfg == nil {
			b.Fatal(diags.Error())
		}
	}
}

// BenchmarkLoadPlain is the configuration of BenchmarkReload, read for the first time.
func BenchmarkLoadPlain(b *testing.B) {
	for name, check := range checksOf {
		b.Run(name, func(b *testing.B) {
			source := pool(1000, 10, check)
			b.ReportAllocs()
			for b.Loop() {
				if cfg, diags := Sources([]Source{source}, Options{Types: &fakeTypes{}, Memory: &Memory{}}); cfg == nil {
					b.Fatal(diags.Error())
				}
			}
		})
	}
}

var checksOf = map[string]string{"no check": "", "one check": "  check \"http\" {\n    interval = \"6s\"\n  }\n"}

// pool writes virtual servers with real servers and, for each virtual server, what is given.
func pool(virtual, real int, check string) Source {
	var s strings.Builder
	for v := range virtual {
		fmt.Fprintf(&s, "virtual_server \"vs%04d\" {\n  address   = \"10.0.%d.%d:80\"\n  protocol  = \"tcp\"\n  scheduler = \"wrr\"\n  forward   = \"nat\"\n%s\n", v, v/250, v%250+1, check)
		for r := range real {
			fmt.Fprintf(&s, "  real_server \"10.%d.%d.%d:80\" {\n    weight = %d\n  }\n\n", 1+v/250, v%250, r+1, 1+r%3)
		}
		s.WriteString("}\n\n")
	}
	return Source{Name: "large.hcl", Text: []byte(s.String())}
}

// BenchmarkReloadOneWeight reads 1,000 virtual servers with 10 real servers each again, after one weight was changed.
func BenchmarkReloadOneWeight(b *testing.B) {
	for name, check := range checksOf {
		b.Run(name, func(b *testing.B) {
			first := pool(1000, 10, check)
			text := string(first.Text)
			middle := len(text)/2 + strings.Index(text[len(text)/2:], "weight = ")
			end := middle + strings.IndexByte(text[middle:], '\n')
			second := Source{Name: first.Name, Text: []byte(text[:middle] + "weight = 77" + text[end:])}
			o := Options{Types: &fakeTypes{}, Memory: &Memory{}}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if cfg, diags := Sources([]Source{[]Source{first, second}[i%2]}, o); cfg == nil {
					b.Fatal(diags.Error())
				}
			}
		})
	}
}

// BenchmarkParse parses the whole of it at once, as is done where something is wrong with it.
func BenchmarkParse(b *testing.B) {
	source := large(1000, 16)
	b.SetBytes(int64(len(source.Text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, diags := parse(source); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
}
