package argdata

import (
	"errors"
	"strconv"
	"time"
)

// The two forms of https://yaml.org/type/timestamp.html: a date alone with all
// its digits, or date, time, fraction and zone.
var (
	dateForm = lazyRegexp(`^(\d{4})-(\d\d)-(\d\d)$`)
	timeForm = lazyRegexp(`^(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?` +
		`(?:[ \t]*(?:Z|([-+])(\d\d?)(?::(\d\d))?))?$`)
)

// parseTimestamp reads a scalar tagged !!timestamp. Without a zone the time is
// UTC; digits after the ninth of a fraction are dropped, both as in the
// reference. Second 60 is the first of the next minute.
func parseTimestamp(text string) (Value, error) {
	m := timeForm().FindStringSubmatch(text)
	if m == nil {
		d := dateForm().FindStringSubmatch(text)
		if d == nil {
			return nil, errors.New(`not a timestamp: write 2006-01-02 or 2006-01-02T15:04:05.999999999Z`)
		}
		m = append(d, "0", "0", "0", "", "", "", "")
	}
	num := func(i int) int { // the expressions allow at most 4 digits, or none
		n, _ := strconv.Atoi(m[i])
		return n
	}
	year, month, day := num(1), num(2), num(3)
	hour, minute, second := num(4), num(5), num(6)
	zoneHour, zoneMinute := num(9), num(10)

	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if date.Month() != time.Month(month) || date.Day() != day {
		return nil, errors.New(`no such day in the calendar`)
	}
	if hour > 23 || minute > 59 || second > 60 || zoneHour > 23 || zoneMinute > 59 {
		return nil, errors.New(`no such time of day`)
	}
	sec := date.Unix() + int64(hour*3600+minute*60+second)
	if offset := int64(zoneHour*3600 + zoneMinute*60); m[8] == "-" {
		sec += offset
	} else {
		sec -= offset
	}
	fraction, _ := strconv.Atoi((m[7] + "000000000")[:9])
	return Timestamp{Sec: sec, Nsec: uint32(fraction)}, nil
}
