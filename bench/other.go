package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Other is another build of this program, or this one on another system: its command takes
// the arguments of cabitrans. Its ways to run the kernels become columns of this run, NAME:COLUMN.
type Other struct {
	Name    string
	Command []string
}

// ParseOther reads NAME=COMMAND, whose words are separated by spaces. The command must exist.
func ParseOther(s string) (Other, error) {
	p, err := parseCommand(s, "wine=wine cabitrans.exe")
	return Other(p), err
}

// columns asks the other what it translates by: those of its columns are worth a comparison.
func (o *Other) columns(ctx context.Context) (cs []Column, err error) {
	r, err := o.report(ctx, "--kernel="+switchKernel, "--repeats=1")
	if err != nil {
		return nil, err
	}
	for _, c := range r.Columns {
		if c.Kind != KindTranslated {
			continue
		}
		cs = append(cs, Column{
			Name: o.Name + ":" + c.Name, Kind: KindOther, Command: o.Command, Tier: c.Tier, TLS: c.TLS,
			About: fmt.Sprintf("%s, by %s on %s", c.About, strings.Join(o.Command, " "), r.Machine.OS),
		})
	}
	if len(cs) == 0 {
		return nil, fmt.Errorf("bench: %s translates nothing: %q", o.Name, r.Missing)
	}
	return cs, nil
}

// runOther runs a kernel as the other does.
func (c *Column) runOther(ctx context.Context, kernel string, s Setup) (m Measurement, err error) {
	o := Other{Name: c.Name, Command: c.Command}
	name := c.Tier + "/" + c.TLS
	r, err := o.report(ctx, "--kernel="+kernel, "--column="+name, "--repeats="+strconv.Itoa(s.Repeats))
	if err != nil {
		return m, err
	}
	if len(r.Kernels) != 1 || r.Kernels[0].Name != kernel {
		return m, fmt.Errorf("bench: %s has not run %s", o.Name, kernel)
	}
	k := r.Kernels[0]
	if m.Result, err = strconv.ParseUint(k.Result, 16, 64); err != nil {
		return m, fmt.Errorf("bench: %s does not tell the result of %s, as it did before schema 1 had it", o.Name, kernel)
	}
	m.N, m.Best = k.N, time.Duration(k.Columns[name].NS.Min)
	return m, nil
}

// report is what the other reports of one run.
func (o *Other) report(ctx context.Context, args ...string) (r Report, err error) {
	command := slices.Concat(o.Command, []string{"bench", "--measure=kernels", "--runs=1", "--json=-"}, args)
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
	if err != nil {
		var e *exec.ExitError
		if errors.As(err, &e) && len(e.Stderr) > 0 {
			err = fmt.Errorf("%w: %s", err, lastLine(string(e.Stderr)))
		}
		return r, fmt.Errorf("bench: %s: %w", strings.Join(command, " "), err)
	}
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&r); err != nil {
		return r, fmt.Errorf("bench: %s has written no report: %w", strings.Join(command, " "), err)
	}
	if r.Schema != Schema {
		return r, fmt.Errorf("bench: %s writes reports of schema %d, and this program reads %d", o.Name, r.Schema, Schema)
	}
	return r, nil
}
