package main

import (
	"os"

	"cabitrans/argdata"
	"cabitrans/runtime"
)

// openFile opens what a !file names. Without attributes that is for reading, as the
// reference runner does.
func openFile(gr argdata.Grant) (*os.File, error) {
	m := &gr.File
	flags := map[argdata.Access]int{argdata.AccessWrite: os.O_WRONLY, argdata.AccessReadWrite: os.O_RDWR}[m.Access]
	for _, f := range []struct {
		on   bool
		flag int
	}{{m.Create, os.O_CREATE}, {m.Append, os.O_APPEND}, {m.Truncate, os.O_TRUNC}} {
		if f.on {
			flags |= f.flag
		}
	}
	info, err := os.Stat(gr.Path)
	if err == nil && info.IsDir() {
		// A directory is never opened for writing. What may be done in it is a matter
		// of rights.
		if flags != os.O_RDONLY && flags != os.O_RDWR {
			return nil, gr.Pos.Errorf(
				"%s is a directory: grant it with access: read or access: read-write, and nothing else of that kind", gr.Path)
		}
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(gr.Path, flags, 0o666)
	if err != nil {
		return nil, gr.Pos.Errorf("cannot open %s: %v", gr.Path, reason(err))
	}
	return f, nil
}

// dropped is what the attributes of a !file take away: with access: read whatever
// changes something, which for a directory only the rights can say; and with rights
// all that are not named.
func dropped(gr argdata.Grant) (runtime.Rights, error) {
	var drop runtime.Rights
	if gr.File.Access == argdata.AccessRead {
		drop = runtime.RightsThatChange
	}
	if !gr.File.Limited {
		return drop, nil
	}
	var keep runtime.Rights
	for _, name := range gr.File.Rights {
		r, ok := runtime.ParseRight(name.Name)
		if !ok {
			return 0, name.Pos.Errorf(
				"there is no right %q: write the names of the ABI, such as fd_read or file_open", name.Name)
		}
		keep |= r
	}
	return drop | runtime.AllRights&^keep, nil
}
