package load

import (
	"bytes"
	"slices"
	"sort"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// loadChanged reads files again in which nothing but the insides of remembered virtual servers has changed, by decoding
// these alone. It returns nil, and has changed nothing, when it can't say for sure: whatever is said of the files is for
// those who look at all of them to say.
//
// A block that is remembered depends on its own text alone, and all that others know of it is its name, its service and its
// place. Where these are as before, the rules between blocks say what they said, which was nothing.
func loadChanged(sources []Source, o Options, answers *answers) *config.Config {
	m := o.Memory
	if m == nil || !m.appliesTo(sources, o) || !stillValid(m.config, answers) {
		return nil
	}
	l := newLoader(o, answers)
	l.names.targets = map[hclPlace]any{}
	var patches []patch
	for i, s := range sources {
		more, ok := l.changes(m.files[i], s)
		if !ok {
			return nil
		}
		patches = append(patches, more...)
	}
	cfg := *m.config
	cfg.VirtualServers = slices.Clone(cfg.VirtualServers)
	for _, p := range patches {
		i := slices.Index(cfg.VirtualServers, p.old.service.VirtualServer)
		if i < 0 || isProvided(&cfg, p.old.service.VirtualServer) {
			return nil
		}
		cfg.VirtualServers[i] = p.service.VirtualServer
	}
	m.patch(&cfg, sources, patches)
	return &cfg
}

// appliesTo says whether files may be read by their changes.
func (m *Memory) appliesTo(sources []Source, o Options) bool {
	return m.config != nil && m.silent && m.hostname == o.Hostname && len(m.config.Plugins) == 0 &&
		slices.EqualFunc(sources, m.files, func(s Source, f *readFile) bool { return s.Name == f.Name })
}

// stillValid asks the types again about the blocks that are decoded at every load.
func stillValid(c *config.Config, a *answers) bool {
	good := func(kind, name string, values []byte) bool {
		return len(a.types.Validate(kind, name, nil, values)) == 0
	}
	for _, x := range c.Checks {
		if !good("check", x.Type, x.Config) {
			return false
		}
	}
	for _, x := range c.Notifies {
		if !good("notify", x.Type, x.Config) {
			return false
		}
	}
	for _, x := range c.Provisions {
		if !good("provision", x.Type, x.Config) {
			return false
		}
	}
	return true
}

// isProvided says whether a provision block refers to a virtual server.
func isProvided(c *config.Config, v *config.VirtualServer) bool {
	return slices.ContainsFunc(c.Provisions, func(p *config.Provision) bool { return slices.Contains(p.VirtualServers, v) })
}

// A patch is a remembered block and what it has become.
type patch struct {
	old     *remembered
	text    []byte
	service *service
}

// changes decodes the blocks of a file that have changed. ok is false if more than their insides has.
func (l *loader) changes(f *readFile, s Source) (patches []patch, ok bool) {
	from, to := changedRange(f.Text, s.Text)
	if from == to && len(f.Text) == len(s.Text) {
		return nil, true
	}
	// The pieces that the change touches begin and end where they did, so those before and behind them are cut as before.
	first := sort.Search(len(f.pieces), func(i int) bool { return f.pieces[i].end > from })
	last := max(first, sort.Search(len(f.pieces), func(i int) bool { return f.pieces[i].end >= to }))
	if last >= len(f.pieces) {
		return nil, false
	}
	old := f.pieces[first : last+1]
	start, end := old[0].start, old[len(old)-1].end+len(s.Text)-len(f.Text)
	if !canBeCut(s.Text[start:end]) || last+1 < len(f.pieces) && !bytes.HasSuffix(s.Text[start:end], endOfBlock) {
		return nil, false
	}
	pieces := cut(s.Text[start:end], 0)
	if len(pieces) != len(old) {
		return nil, false
	}
	lines := old[0].line - 1
	for i := range pieces {
		p, was := &pieces[i], &old[i]
		p.at.Line += lines
		p.at.Byte += start
		if p.at.Line != was.line {
			return nil, false
		}
		if !bytes.Equal(p.text, was.text()) {
			if was.service == nil {
				return nil, false
			}
			now := l.decodeAlone(f.Name, *p)
			if now == nil || !sameOutside(now, was.service) {
				return nil, false
			}
			patches = append(patches, patch{was, p.text, now})
		}
	}
	if last+1 < len(f.pieces) {
		n := bytes.Count(s.Text[start:end], newline)
		return patches, old[0].line+n == f.pieces[last+1].line
	}
	return patches, true
}

// changedRange returns where two texts begin to differ, and where in the old one they end to.
func changedRange(old, now []byte) (from, to int) {
	const stride = 4 << 10 // which is compared at once
	n := min(len(old), len(now))
	for from+stride <= n && bytes.Equal(old[from:from+stride], now[from:from+stride]) {
		from += stride
	}
	for from < n && old[from] == now[from] {
		from++
	}
	n -= from
	same := 0
	for same+stride <= n && bytes.Equal(old[len(old)-same-stride:len(old)-same], now[len(now)-same-stride:len(now)-same]) {
		same += stride
	}
	for same < n && old[len(old)-same-1] == now[len(now)-same-1] {
		same++
	}
	return from, len(old) - same
}

// decodeAlone decodes a piece that is one virtual_server block; nil if it is anything else, depends on another block, or if
// there is anything to say of it.
func (l *loader) decodeAlone(file string, p piece) *service {
	l.trees.again()
	body := parsePlain(file, p.text, p.at, &l.trees)
	if body == nil || len(body.Blocks) != 1 || len(body.Attributes) > 0 {
		return nil
	}
	blocks := l.r.Read(schema.Wrap(body, hint), topLevelShape).Blocks
	if len(blocks) != 1 || blocks[0].Type != "virtual_server" || len(blocks[0].Labels) != 1 {
		return nil
	}
	b := blocks[0]
	l.names.targets[placeOf(b)] = &config.VirtualServer{Name: b.Labels[0], Position: position(b)}
	s := l.decodeVirtualServer(b)
	if s == nil || !s.alone || len(l.r.Diags) > 0 {
		return nil
	}
	return s
}

// sameOutside says whether a virtual server is to other blocks what it was.
func sameOutside(now, was *service) bool {
	a, b := now.Service, was.Service
	return now.Name == was.Name && now.known && was.known && len(a.Match)+len(b.Match) == 0 &&
		a.Address == b.Address && a.Port == b.Port && a.Protocol == b.Protocol && a.Mark == b.Mark && a.IPv6 == b.IPv6
}

// patch makes the memory that of the changed files.
func (m *Memory) patch(c *config.Config, sources []Source, patches []patch) {
	m.config = c
	for _, p := range patches {
		p.old.service, p.old.warnings = p.service, nil
	}
	for i, f := range m.files {
		f.Text = sources[i].Text
		moved := 0
		for k := range f.pieces {
			r := &f.pieces[k]
			r.start += moved
			r.end += moved
			if len(patches) > 0 && patches[0].old == r {
				by := len(patches[0].text) - (r.end - r.start)
				r.end += by
				moved += by
				patches = patches[1:]
			}
		}
	}
}
