package box_test

import (
	"os"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/image/box"
)

// half is a configuration whose end was lost on the way to the stick.
var half = configuration[:strings.Index(configuration, "timeout")]

// TestImageSaysWhatIsWrongAndGoesOnToTheWizard is a box in which everything is wrong that can be: there is no network card, no room
// for the data partition, and half a configuration on the disk that was to bring it.
func TestImageSaysWhatIsWrongAndGoesOnToTheWizard(t *testing.T) {
	t.Parallel()
	disk := newDisk(t)
	st, err := os.Stat(image(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(disk, st.Size()); err != nil {
		t.Fatal(err)
	}
	s := boot(t, box.Options{Disk: disk, Volumes: []string{cidata(t, half)}, Cards: []box.Card{}})
	s.shows(`This is wrong here:`)
	at := s.at
	for _, pattern := range []string{
		`(?s)the configuration on the disk called CIDATA.*evenkeel\.hcl:\d+,\d+.*Correct it and start the box again`,
		`(?s)mount the data partition: .*2 GiB or more`,
		`no network card was found`,
	} {
		s.at = at // in whichever order
		s.shows(pattern)
	}
	s.asks("Name of this director")
	s.isDocumented("wrong")
	s.types("lb_9\x03") // Ctrl-C throws the line away, and an empty one is left
	s.answers(
		reply{"Which network card?", "eth0"},
		reply{"VLAN on it", "4095"},
	)
	s.shows(`! .*4094`)
}

// TestImageStartsWithTheLastGoodConfiguration is a box whose configuration somebody has spoiled in the shell, and that is started again.
func TestImageStartsWithTheLastGoodConfiguration(t *testing.T) {
	t.Parallel()
	named := "appliance {\n  hostname = \"lb9\"\n}\n" + configuration
	s := boot(t, box.Options{Disk: newDisk(t), Volumes: []string{cidata(t, named)}})
	s.shows(`This box has no password for its console yet`)
	s.answers(reply{"New password", password}, reply{"The password again", password})
	s.chooses("Status")
	s.shows(`tcp 192\.0\.2\.80:80`)
	s.types("")
	s.chooses("Shell")
	s.shows(`/ # `)
	s.types(`echo 'virtual_server "half" {' >> /data/config/current/evenkeel.hcl; exit`)
	s.chooses("Restart the box")
	s.answers(reply{"Restart it now?", "yes"})
	s.says(`slot A, tries left`)
	s.logsIn()
	s.shows(`(?s)the configuration in use has errors:.*evenkeel\.hcl:\d+,\d+.*an older version`)
	s.chooses("Status")
	s.shows(`this is the last good configuration`)
	s.shows(`tcp 192\.0\.2\.80:80`)
	s.types("")
	s.chooses("log out")
	s.shows(`evenkeel \S+ on lb9`) // the appliance block of the last good one
}
