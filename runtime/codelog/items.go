package codelog

import (
	"errors"

	"cabitrans/internal/nameset"
)

// Items are what a Log writes.
type Items uint8

// The items.
const (
	InASM  Items = 1 << iota // guest instructions
	OutASM                   // their translations
	Blocks                   // regions and basic blocks
	Links                    // links made and dropped, and look-ups that missed
)

var itemNames = [...]string{"in_asm", "out_asm", "blocks", "links"}

// ParseItems reads names separated by commas.
func ParseItems(s string) (Items, error) { return nameset.Parse[Items](s, itemNames[:]) }

// ErrFilter is wrapped by the errors of filters.
var ErrFilter = errors.New("no such range")
