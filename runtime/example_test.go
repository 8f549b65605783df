package runtime_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"cabitrans/argdata"
	"cabitrans/runtime"
)

// A program gets one descriptor and one string, and nothing else.
func Example() {
	// Guest memory has a fixed place: claim it before the Go heap has grown.
	if err := runtime.Prepare(); err != nil {
		log.Fatal(err)
	}
	exe, err := os.Open("../guests/bin/hello")
	if err != nil {
		log.Fatal(err)
	}
	defer exe.Close()
	info, err := exe.Stat()
	if err != nil {
		log.Fatal(err)
	}

	// argdata.ParseYAML makes the same of a configuration.
	args, err := argdata.Encode(argdata.Map{
		{Key: argdata.String("stdout"), Value: argdata.FD(0)},
		{Key: argdata.String("message"), Value: argdata.String("Hello from a CloudABI program.")},
	})
	if err != nil {
		log.Fatal(err)
	}

	p, err := runtime.Start(context.Background(), runtime.Config{
		Executable: exe,
		Size:       info.Size(),
		Name:       "hello",
		ArgData:    args,
		FDs:        []int{int(os.Stdout.Fd())}, // becomes descriptor 0 of the program
	})
	if err != nil {
		log.Fatal(err)
	}
	exit := p.Wait()
	if exit.Fault != nil {
		log.Print(exit.Fault.Report())
	}
	fmt.Println("exit status", exit.Status())
	// Output:
	// Hello from a CloudABI program.
	// generation 3: relocatable, vDSO, fixed TLS base
	// exit status 0
}
