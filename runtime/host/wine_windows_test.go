package host

import "testing"

// wine skips what Wine cannot do, though Windows can.
func wine(t *testing.T, lacks string) {
	t.Helper()
	if modntdll.NewProc("wine_get_version").Find() == nil {
		t.Skipf("Wine lacks it: %s", lacks)
	}
}
