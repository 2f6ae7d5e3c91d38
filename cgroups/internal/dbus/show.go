package dbus

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// String shows the value for people, in about the words of systemctl(1).
func (v Variant) String() string { return show(v.Value) }

func show(value any) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case uint64:
		if v == math.MaxUint64 {
			return "infinity"
		}
		return strconv.FormatUint(v, 10)
	case int64:
		return strconv.FormatInt(v, 10)
	case string:
		if v == "" || strings.ContainsAny(v, " \t\r\n\"[]()") {
			return strconv.Quote(v)
		}
		return v
	case Variant:
		return show(v.Value)
	case []byte:
		return fmt.Sprintf("0x%x", v)
	case []any:
		parts := make([]string, len(v))
		for i, element := range v {
			parts[i] = show(element)
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(value)
}
