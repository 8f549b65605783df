package argdata

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"strings"
)

// Expressions of YAML 1.2, section 10.3.2, the core schema.
var (
	intForm   = lazyRegexp(`^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	floatForm = lazyRegexp(`^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$`)
)

// resolvePlain gives a plain scalar without a tag its type.
func resolvePlain(text string) (Value, error) {
	if isNull(text) {
		return Null{}, nil
	}
	switch text {
	case "true", "True", "TRUE":
		return Bool(true), nil
	case "false", "False", "FALSE":
		return Bool(false), nil
	}
	if !strings.ContainsRune("+-.0123456789", rune(text[0])) {
		return String(text), nil
	}
	if intForm().MatchString(text) {
		return parseInt(text)
	}
	if _, special := specialFloat(text); special || floatForm().MatchString(text) {
		return parseFloat(text)
	}
	return String(text), nil
}

func isNull(text string) bool {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// taggedScalar reads text as the type that a tag under tag:yaml.org,2002: asks
// for. ok is false if no scalar type has that name.
func taggedScalar(typ, text string) (v Value, ok bool, err error) {
	switch typ {
	case "null":
		if !isNull(text) {
			err = errors.New(`not a null: write null, ~ or nothing`)
		}
		return Null{}, true, err
	case "bool":
		v, err = parseBool(text)
	case "int":
		v, err = parseInt(text)
	case "float":
		v, err = parseFloat(text)
	case "str":
		v = String(text)
	case "binary":
		v, err = parseBinary(text)
	case "timestamp":
		v, err = parseTimestamp(text)
	default:
		return nil, false, nil
	}
	return v, true, err
}

// parseBool reads a scalar tagged !!bool. Besides the core schema it takes the
// words of YAML 1.1, as the reference's first version did: with the tag they
// cannot be mistaken for strings.
func parseBool(text string) (Value, error) {
	switch text {
	case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return Bool(true), nil
	case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return Bool(false), nil
	}
	return nil, errors.New(`not a boolean: write true or false`)
}

func parseInt(text string) (Value, error) {
	if !intForm().MatchString(text) {
		return nil, errors.New(`not an integer: write digits, 0x and hexadecimal digits, or 0o and octal digits`)
	}
	digits, base := strings.TrimPrefix(text, "+"), 10
	if rest, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base = rest, 16
	} else if rest, ok := strings.CutPrefix(text, "0o"); ok {
		digits, base = rest, 8
	}
	if n, err := strconv.ParseInt(digits, base, 64); err == nil {
		return Int(n), nil
	}
	if n, err := strconv.ParseUint(digits, base, 64); err == nil {
		return Uint(n), nil
	}
	return nil, errors.New(`integer out of range: it must lie between -9223372036854775808 and 18446744073709551615, ` +
		`or be quoted to make it a string`)
}

// quietNaN is the NaN of C's NAN; math.NaN has another bit set.
const quietNaN = 0x7ff8000000000000

func specialFloat(text string) (float64, bool) {
	switch text {
	case ".nan", ".NaN", ".NAN":
		return math.Float64frombits(quietNaN), true
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return math.Inf(1), true
	case "-.inf", "-.Inf", "-.INF":
		return math.Inf(-1), true
	}
	return 0, false
}

func parseFloat(text string) (Value, error) {
	if f, ok := specialFloat(text); ok {
		return Float(f), nil
	}
	if !floatForm().MatchString(text) {
		return nil, errors.New(`not a floating-point number: write a decimal number, .inf, -.inf or .nan`)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errors.New(`number out of range of a 64-bit float: write .inf for infinity, or quote it to make it a string`)
	}
	return Float(f), nil
}

// parseBinary reads base64 with white space anywhere, padded or not.
func parseBinary(text string) (Value, error) {
	text = strings.Join(strings.Fields(text), "")
	enc := base64.StdEncoding
	if len(text)%4 != 0 && !strings.HasSuffix(text, "=") {
		enc = base64.RawStdEncoding
	}
	b, err := enc.DecodeString(text)
	if err != nil {
		return nil, errors.New(`not base64: write groups of four of A-Z, a-z, 0-9, + and /, the last one filled up with =`)
	}
	return Binary(b), nil
}
