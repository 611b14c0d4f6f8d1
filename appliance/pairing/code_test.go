package pairing

import (
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestACodeIsReadAsItIsWrittenAndAsPeopleWriteIt(t *testing.T) {
	for _, first := range []string{"192.0.2.11", "2001:db8::11"} {
		for range 200 {
			c := NewCode(netip.MustParseAddr(first))
			for _, written := range []string{
				c.String(), strings.ToLower(c.String()), " " + strings.ReplaceAll(c.String(), "-", "") + " ",
				strings.NewReplacer("0", "o", "1", "l").Replace(c.secret[:8]) + c.secret[8:],
			} {
				if !strings.Contains(written, "/") {
					written = first + "/" + written
				}
				got, err := ParseCode(written)
				if err != nil || got != c {
					t.Fatalf("%q: got %v, %v; want %v", written, got, err, c)
				}
			}
		}
	}
}

func TestASlipOfTheFingerIsNoticedWhereTheCodeIsWritten(t *testing.T) {
	c := NewCode(netip.MustParseAddr("192.0.2.11"))
	for i := range codeLength {
		for _, other := range symbols {
			wrong := c.secret[:i] + string(other) + c.secret[i+1:]
			if wrong == c.secret || strings.Contains("0Z", c.secret[i:i+1]) && strings.ContainsRune("0Z", other) {
				continue // 0 and Z count alike; nobody takes one for the other
			}
			if _, err := ParseCode("192.0.2.11/" + wrong); err == nil {
				t.Errorf("%s was taken for %s", wrong, c.secret)
			}
		}
		if i > 0 && c.secret[i] != c.secret[i-1] && i < codeLength-1 {
			b := []byte(c.secret)
			b[i], b[i-1] = b[i-1], b[i]
			if _, err := ParseCode("192.0.2.11/" + string(b)); err == nil && !strings.Contains("0Z", string(b[i])) {
				t.Errorf("%s was taken for %s", b, c.secret)
			}
		}
	}
}

func TestWhatIsNoCodeIsRefusedWithWhatToLookAt(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "begins with the address",
		"ABCD-EFGH-JKMN-PQRS":                "begins with the address",
		"lb1/ABCD-EFGH-JKMN-PQRS":            "begins with the address",
		"192.0.2.11/ABCD-EFGH-JKMN":          "12",
		"192.0.2.11/ABCD-EFGH-JKMN-PQRS-TVW": "19",
		"192.0.2.11/ABCD-EFGH-JKMN-PQ\"S":    `'"'`,
		"192.0.2.11/ABCD-EFGH-JKMN-PQR\xff":  "no code",
	} {
		if _, err := ParseCode(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want it to say %q", text, err, want)
		}
	}
}

func FuzzWhateverIsWrittenACodeIsReadOrRefused(f *testing.F) {
	f.Add("192.0.2.11/ABCD-EFGH-JKMN-PQRS")
	f.Add("2001:db8::1/0000000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCode(s)
		if err != nil {
			return
		}
		if again, err := ParseCode(c.String()); err != nil || again != c {
			t.Errorf("%q is %v, and that is read as %v, %v", s, c, again, err)
		}
	})
}

func TestTheCodeInTheDocumentationIsOne(t *testing.T) {
	page, err := os.ReadFile("../../docs/appliance.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`\S+/(\w{4}-){3}\w{4}`).FindAllString(string(page), -1)
	if len(shown) == 0 {
		t.Error("there is none")
	}
	for _, s := range shown {
		if _, err := ParseCode(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}
