package argdata_test

import (
	"fmt"
	"strings"

	"cabitrans/argdata"
)

func Example() {
	config, err := argdata.ParseYAML(strings.NewReader(`
%TAG ! tag:nuxi.nl,2015:cloudabi/
---
log: !fd stderr
size: 0x10
`), "stdin")
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, grant := range config.Grants {
		fmt.Printf("descriptor %d is descriptor %d of the host\n", i, grant.HostFD)
	}
	block, err := argdata.Encode(config.Value)
	fmt.Printf("% x %v\n", block, err)

	_, err = argdata.ParseYAML(strings.NewReader("log: !fd stderr\n"), "stdin")
	fmt.Println(err)
	// Output:
	// descriptor 0 is descriptor 2 of the host
	// 06 85 08 6c 6f 67 00 85 03 00 00 00 00 86 08 73 69 7a 65 00 82 05 10 <nil>
	// stdin:1:6: the tag !fd is not declared: begin the configuration with "%TAG ! tag:nuxi.nl,2015:cloudabi/" and a line "---"
}
