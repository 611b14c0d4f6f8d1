package load

import (
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// longestDebounce is how long an interface may have to be up or down before that counts.
const longestDebounce = 1000 * time.Second

// track decodes a track block of an instance, or of a group, where v is nil.
func (l *loader) track(b schema.Block, v *config.VRRPInstance, into *[]config.Track) {
	const want = "a check with a name, as in check.script.nginx"
	body := l.r.Read(b.Body(), trackShape)
	t := config.Track{Position: position(b)}
	check, device, weight := body.Attr("check"), body.Attr("interface"), body.Attr("weight")
	if check.Written() == device.Written() {
		l.r.Errorf(b.Range(), "Wrong track", "A track block has one of check and interface: check = check.script.NAME, or interface = \"eth1\".")
		return
	}
	if ref := l.refer(check, want); ref != nil {
		c, ok := ref.target.(*config.Check)
		if !ok {
			l.wrongReference("check", ref, check.Expr.Range(), want)
		}
		t.Check = c
	}
	if device.Written() {
		t.Interface, _ = l.interfaceName(device)
		if v != nil && t.Interface == v.Interface && weight.Written() {
			l.r.Warnf(weight.NameRange(), "Weight of the instance's own interface", "While %s is down the instance is in FAULT, whatever its priority: this weight has no effect.", t.Interface)
		}
	}
	for _, a := range []struct {
		name string
		to   *time.Duration
	}{{"up_delay", &t.UpDelay}, {"down_delay", &t.DownDelay}} {
		attr := body.Attr(a.name)
		if d, ok := l.duration(attr, 0, longestDebounce); ok {
			*a.to = d
		}
		if attr.Written() && check.Written() {
			l.r.Errorf(attr.NameRange(), "Delay of a check", "%s is for an interface. A check has fall and rise: write them there.", a.name)
		}
	}
	if n, ok := l.r.Int(weight, -253, 253); ok {
		if n == 0 {
			l.r.Errorf(weight.Expr.Range(), "Weight of 0", "A weight of 0 changes no priority. Leave it out to put the instance into FAULT (keepalived's weight 0), or write one that is added while the check is up, or a negative one that is subtracted while it is down.")
		} else {
			w := int(n)
			t.Weight = &w
			if v != nil && v.Priority == 255 {
				l.r.Warnf(weight.NameRange(), "Weight at priority 255", "The owner of the addresses keeps its priority of 255: this weight has no effect.")
			}
		}
	}
	for _, other := range *into {
		if sameTrack(t, other) {
			l.r.Errorf(b.Range(), "Duplicate track", "This is tracked already, at %s.", other.Position)
		}
	}
	*into = append(*into, t)
}

func sameTrack(a, b config.Track) bool {
	return a.Check != nil && a.Check == b.Check || a.Interface != "" && a.Interface == b.Interface
}
