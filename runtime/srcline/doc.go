// Package srcline says which source line an instruction was made of, by the DWARF line tables of an executable. It
// imports the standard library only.
package srcline
