package ssh

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestAKeyLogsInAsAdminAndAsRootAndNobodyElse(t *testing.T) {
	b, k := withKey(t)
	for _, user := range []string{"admin", "root"} {
		c, err := b.dial(user, ssh.PublicKeys(k))
		if err != nil {
			t.Fatalf("%s: %v", user, err)
		}
		c.Close()
	}
	b.log.has(t, `by="key `+ssh.FingerprintSHA256(k.PublicKey())+` alice@laptop" from=127.0.0.1:`)
	b.log.has(t, "user=root")
	b.log.has(t, "logged out")
	if c, err := b.dial("operator", ssh.PublicKeys(k)); err == nil {
		c.Close()
		t.Error("operator has logged in")
	}
	stranger := newKey(t)
	if c, err := b.dial("admin", ssh.PublicKeys(stranger)); err == nil {
		c.Close()
		t.Error("a stranger has logged in")
	}
	b.log.has(t, ssh.FingerprintSHA256(stranger.PublicKey())+" is not one that may log in")
}

func TestAPasswordLogsIn(t *testing.T) {
	b := newBox(t)
	b.setPassword("correct horse")
	b.run()
	b.ready()
	c, err := b.dial("admin", ssh.Password("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	b.log.has(t, "logged in: by=password from=127.0.0.1")
	for user, password := range map[string]string{"admin": "wrong", "operator": "correct horse", "root": ""} {
		if c, err := b.dial(user, ssh.Password(password)); err == nil {
			c.Close()
			t.Errorf("%s has logged in with %q", user, password)
		}
		b.log.has(t, "a login was refused: user="+user)
	}
	if strings.Contains(b.log.String(), "horse") || strings.Contains(b.log.String(), "wrong") {
		t.Errorf("a password was logged:\n%s", b.log)
	}
}

func TestAMethodThatNobodyCanUseIsNotOffered(t *testing.T) {
	b, _ := withKey(t)
	asked := false
	_, err := b.dial("admin", ssh.PasswordCallback(func() (string, error) { asked = true; return "x", nil }))
	if err == nil || asked {
		t.Errorf("asked for a password: %v, %v", asked, err)
	}
}

// Three tries a connection are looked at, and each costs time.
func TestPasswordsAreTriedSlowlyAndOnlyThree(t *testing.T) {
	b := newBox(t)
	b.s.limits.pause = 50 * time.Millisecond
	b.setPassword("right")
	b.run()
	b.ready()
	tries, begun := 0, time.Now()
	_, err := b.dial("admin", ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) {
		if tries++; tries > passwords {
			return "right", nil
		}
		return "wrong", nil
	}), 10))
	if err == nil {
		t.Error("the fourth password was looked at")
	}
	if took := time.Since(begun); took < passwords*b.s.limits.pause {
		t.Errorf("%d wrong passwords took %v", passwords, took)
	}
	b.log.has(t, "source=127.0.0.1/32 closed_for=")
	if c, err := b.dial("admin", ssh.Password("right")); err == nil {
		c.Close()
		t.Fatal("who has tried so many is spoken with at once")
	}
}

func TestAKeyIsGoodFromWhereItsLineSays(t *testing.T) {
	b := newBox(t)
	near, far := newKey(t), newKey(t)
	b.writeKeys(`from="2001:db8::/32,127.0.0.0/8" ` + line(near) + "\n" + `from="192.0.2.7" ` + line(far) + "\n")
	b.run()
	b.ready()
	b.client(near)
	if c, err := b.dial("admin", ssh.PublicKeys(far)); err == nil {
		c.Close()
		t.Error("it logs in from elsewhere")
	}
}
