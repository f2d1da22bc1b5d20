package serving

import (
	"testing"

	"github.com/geneontology/packer-plugin-amigo/internal/vm/guest"
)

// TestRestarts holds what is said of units that died, and why.
func TestRestarts(t *testing.T) {
	output := func(apache, jetty, journal string) string {
		section := func(name string) string { return guest.Heading(name) + "\n" }
		return section("restarts apache2") + apache + "\n" + section("journal apache2") + "started\n" +
			section("restarts jetty9") + jetty + "\n" + section("journal jetty9") + journal + "\n" + section("hs_err")
	}
	crash := "jetty9[460]: # A fatal error has been detected by the Java Runtime Environment:\njetty9[460]: #  SIGSEGV (0xb) at pc=0x00007f, pid=460\n" +
		"systemd[1]: jetty9.service: Main process exited, code=dumped, status=6/ABRT\nsystemd[1]: jetty9.service: Scheduled restart job"
	for name, test := range map[string]struct{ output, want string }{
		"steady":       {output("0", "0", "fine"), ""},
		"crashed":      {output("0", "1", crash), "jetty9 was restarted once: SIGSEGV (0xb) at pc=0x00007f, pid=460"},
		"by systemd":   {output("3", "0", ""), "apache2 was restarted 3 times"},
		"both":         {output("1", "2", "java.lang.OutOfMemoryError: Java heap space"), "apache2 was restarted once; jetty9 was restarted 2 times: java.lang.OutOfMemoryError: Java heap space"},
		"only systemd": {output("0", "1", "systemd[1]: jetty9.service: Main process exited, code=killed, status=9/KILL"), "jetty9 was restarted once: Main process exited, code=killed, status=9/KILL"},
		"nothing":      {"", ""},
	} {
		err := Units{guest.Sections(test.output)}.Steady()
		if got := text(err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
