package load

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/hcl/config"
	"github.com/evenkeel/evenkeel/hcl/schema"
)

// isHostName says whether a text is a host's name by RFC 1123 section 2.1.
func isHostName(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, c := range []byte(label) {
			if !isLetter(c) && !isDigit(c) && c != '-' || c == '_' {
				return false
			}
		}
	}
	return len(s) <= 253
}

// The watchdog resets a box that has not fed it for so long.
const (
	defaultWatchdog  = time.Minute
	shortestWatchdog = 10 * time.Second // a start of evenkeel must fit
	longestWatchdog  = 10 * time.Minute // what common hardware counts: iTCO 613 s
)

// appliance decodes the appliance block: the box itself, where evenkeel is the whole system of it.
func (l *loader) appliance(b schema.Block) {
	ap := &config.Appliance{Position: position(b), Watchdog: defaultWatchdog}
	l.cfg.Appliance = ap
	body := l.r.Read(b.Body(), applianceShape)
	name := body.Attr("hostname")
	if s, ok := l.r.String(name); ok {
		if !isHostName(s) || len(s) > 64 { // the kernel's limit, include/uapi/linux/utsname.h
			l.r.Errorf(name.Expr.Range(), "Wrong host name", "A host name has letters, digits, hyphens and dots, at most 64, as in \"lb1\" or \"lb1.example.com\".")
		}
		ap.Hostname = s
	}
	l.texts(body.Attr("nameservers"), func(text string, e schema.Element) {
		addr, err := schema.ParseAddress(text)
		if err != nil {
			l.r.Errorf(e.Range, "Wrong address", "nameservers: %v.", err)
			return
		}
		ap.Nameservers = append(ap.Nameservers, addr)
	})
	l.texts(body.Attr("search"), func(text string, e schema.Element) {
		if !isHostName(text) {
			l.r.Errorf(e.Range, "Wrong domain", "%q is no domain: write one as in \"example.com\".", text)
		}
		ap.Search = append(ap.Search, text)
	})
	l.texts(body.Attr("ntp_servers"), func(text string, e schema.Element) {
		if !isHost(text) {
			l.r.Errorf(e.Range, "Wrong host", "%q is neither an address nor a host name.", text)
		}
		ap.NTPServers = append(ap.NTPServers, text)
	})
	if a := body.Attr("watchdog"); a.Written() {
		if d, ok := l.wholeSeconds(a, 0, longestWatchdog); ok {
			if d != 0 && d < shortestWatchdog {
				l.r.Errorf(a.Expr.Range(), "Duration out of range", "watchdog is from %s to %s, or \"0s\" for none.", schema.FormatDuration(shortestWatchdog), schema.FormatDuration(longestWatchdog))
			}
			ap.Watchdog = d
		}
	}
	l.applianceInterfaces(ap, &body)
	for _, b := range body.Of("syslog") {
		l.syslog(ap, b)
	}
}

// texts calls f with each element of a list of strings.
func (l *loader) texts(a schema.Attr, f func(string, schema.Element)) {
	elements, _ := l.r.List(a)
	for _, e := range elements {
		if text, ok := l.text(a.Name, e); ok {
			f(text, e)
		}
	}
}

func isHost(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || isHostName(s)
}

// syslogPorts are those that IANA has given to the protocols (RFC 5426, RFC 6587, RFC 5425).
var syslogPorts = map[string]uint16{"udp": 514, "tcp": 601, "tls": 6514}

// syslog decodes a syslog block: a server that gets the box's logs.
func (l *loader) syslog(ap *config.Appliance, b schema.Block) {
	body := l.r.Read(b.Body(), syslogShape)
	s := config.Syslog{Position: position(b), Protocol: "udp"}
	if word, ok := l.r.Word(body.Attr("protocol"), "udp", "tcp", "tls"); ok {
		s.Protocol = word
	}
	s.Port = syslogPorts[s.Protocol]
	host, port, ok := hostAndPort(b.Labels[0])
	if !ok {
		l.r.Errorf(b.LabelRange(0), "Wrong server", "%q is no server: write one as in \"192.0.2.9\", \"192.0.2.9:514\", \"[2001:db8::9]:514\" or \"logs.example.com:6514\".", b.Labels[0])
		return
	}
	s.Host = host
	if port != 0 {
		s.Port = port
	}
	if a := body.Attr("ca_file"); a.Written() {
		if text, ok := l.r.String(a); ok {
			if !strings.HasPrefix(text, "/") {
				l.r.Errorf(a.Expr.Range(), "Wrong path", "ca_file is a whole path, as in \"/data/tls/ca.pem\".")
			}
			s.CAFile = text
		}
		if s.Protocol != "tls" {
			l.r.Errorf(a.NameRange(), "No TLS", "ca_file is about TLS: write protocol = \"tls\", or leave it out.")
		}
	}
	for _, other := range ap.Syslogs {
		if other.Host == s.Host && other.Port == s.Port {
			l.r.Errorf(b.LabelRange(0), "Duplicate server", "The first is at %s.", other.Position)
		}
	}
	ap.Syslogs = append(ap.Syslogs, s)
}

// hostAndPort reads an address or a host name, with a port or, as 0, without.
func hostAndPort(s string) (host string, port uint16, ok bool) {
	if addr, port, err := endpoint(s); err == nil {
		return addr.String(), port, true
	}
	host, number, written := strings.Cut(s, ":")
	if written {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil || n == 0 {
			return "", 0, false
		}
		port = uint16(n)
	}
	return host, port, isHostName(host) && strings.ContainsFunc(host, func(r rune) bool { return r > '9' })
}
