package function

import (
	"errors"
	"maps"
	"time"

	"github.com/jehiah/go-strftime"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"github.com/zclconf/go-cty/cty/gocty"
)

// started is the time that the legacy functions give, the same one in all of a
// template.
var started = time.Now().UTC()

var times = map[string]function.Function{
	"formatdate":           stdlib.FormatDateFunc,
	"legacy_isotime":       legacyTime(started, func(t time.Time, layout string) string { return t.Format(layout) }),
	"legacy_strftime":      legacyTime(started, func(t time.Time, layout string) string { return strftime.Format(layout, t) }),
	"rfc3339_parse":        rfc3339Parse,
	"timeadd":              stdlib.TimeAddFunc,
	"timestamp":            timestamp,
	"unix_timestamp_parse": unixTimestampParse,
}

// timestamp is the time of the call, in UTC.
var timestamp = function.New(&function.Spec{
	Type:         function.StaticReturnType(cty.String),
	RefineResult: notNull,
	Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
		return cty.StringVal(time.Now().UTC().Format(time.RFC3339)), nil
	},
})

// legacyTime is a function that writes at in the layout of its argument, or as
// RFC 3339 has it if there is none.
func legacyTime(at time.Time, write func(at time.Time, layout string) string) function.Function {
	return function.New(&function.Spec{
		VarParam:     &function.Parameter{Name: "format", Type: cty.String},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			switch len(args) {
			case 0:
				return cty.StringVal(at.Format(time.RFC3339)), nil
			case 1:
				return cty.StringVal(write(at, args[0].AsString())), nil
			default:
				return cty.NilVal, errors.New("at most one format is taken")
			}
		},
	})
}

// rfc3339Layouts are the layouts of RFC 3339, which lets people write a space
// for the T. Parsing takes fractions of a second with both.
var rfc3339Layouts = []string{time.RFC3339, "2006-01-02 15:04:05Z07:00"}

var rfc3339Parse = function.New(&function.Spec{
	Params:       []function.Parameter{{Name: "timestamp", Type: cty.String}},
	Type:         function.StaticReturnType(timeType("unix", cty.Number)),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		text := args[0].AsString()
		for _, layout := range rfc3339Layouts {
			if t, err := time.Parse(layout, text); err == nil {
				return timeValue(t, "unix", cty.NumberIntVal(t.Unix())), nil
			}
		}
		return cty.NilVal, function.NewArgErrorf(0, "a time of RFC 3339 is needed, such as 2026-01-02T03:04:05Z")
	},
})

var unixTimestampParse = function.New(&function.Spec{
	Params:       []function.Parameter{{Name: "unix_timestamp", Type: cty.Number}},
	Type:         function.StaticReturnType(timeType("rfc3339", cty.String)),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var seconds int64
		if err := gocty.FromCtyValue(args[0], &seconds); err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "a whole number of seconds is needed, of 64 bits at most")
		}
		t := time.Unix(seconds, 0).UTC()
		return timeValue(t, "rfc3339", cty.StringVal(t.Format(time.RFC3339))), nil
	},
})

// timeType is the type of [timeValue].
func timeType(other string, of cty.Type) cty.Type {
	parts := map[string]cty.Type{other: of}
	for name, v := range timeParts(time.Time{}) {
		parts[name] = v.Type()
	}
	return cty.Object(parts)
}

// timeValue is an object with the parts of t, and t in the other form.
func timeValue(t time.Time, other string, v cty.Value) cty.Value {
	parts := map[string]cty.Value{other: v}
	maps.Copy(parts, timeParts(t))
	return cty.ObjectVal(parts)
}

func timeParts(t time.Time) map[string]cty.Value {
	isoYear, isoWeek := t.ISOWeek()
	parts := map[string]cty.Value{
		"month_name":   cty.StringVal(t.Month().String()),
		"weekday_name": cty.StringVal(t.Weekday().String()),
	}
	for name, n := range map[string]int{
		"year": t.Year(), "month": int(t.Month()), "day": t.Day(), "year_day": t.YearDay(), "weekday": int(t.Weekday()),
		"hour": t.Hour(), "minute": t.Minute(), "second": t.Second(), "iso_year": isoYear, "iso_week": isoWeek,
	} {
		parts[name] = cty.NumberIntVal(int64(n))
	}
	return parts
}
