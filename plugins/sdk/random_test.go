package sdk

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"time"
)

// random fills a value of any type of this package with something that may travel over the wire.
func random[T any](r *rand.Rand) T {
	var v T
	fill(r, reflect.ValueOf(&v).Elem(), 0)
	return v
}

// pick has the types that are words of a language.
var pick = map[reflect.Type][]any{
	reflect.TypeFor[Protocol]():  {TCP, UDP, SCTP},
	reflect.TypeFor[Forward]():   {NAT, DR, TUN, FullNAT},
	reflect.TypeFor[VRRPState](): {VRRPInitialize, VRRPBackup, VRRPMaster, VRRPFault},
	reflect.TypeFor[State]():     {StateUnknown, StateUp, StateDown},
	reflect.TypeFor[Type]():      {TypeString},
	reflect.TypeFor[Factor]():    {Factor(0), FactorOf(0), FactorOf(33), FactorOf(100), FactorOf(MaxPercent)},
}

func fill(r *rand.Rand, v reflect.Value, depth int) {
	switch words := pick[v.Type()]; {
	case words != nil:
		v.Set(reflect.ValueOf(words[r.IntN(len(words))]))
		return
	}
	switch v.Interface().(type) {
	case netip.Addr:
		v.Set(reflect.ValueOf(randomAddr(r)))
	case netip.Prefix:
		a := randomAddr(r)
		v.Set(reflect.ValueOf(netip.PrefixFrom(a, r.IntN(a.BitLen()+1))))
	case time.Duration:
		v.SetInt(r.Int64N(int64(1000 * time.Hour)))
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(r.Int64N(1<<34), r.Int64N(1e9)).UTC()))
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(fmt.Sprintf(`{"n":%d}`, r.IntN(1000)))))
	default:
		fillKind(r, v, depth)
	}
}

func fillKind(r *rand.Rand, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i), depth+1)
		}
	case reflect.Slice:
		if n := r.IntN(4); n > 0 && depth < 8 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(r, v.Index(i), depth+1)
			}
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("wort-%d-é", r.IntN(1000)))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 1)
	case reflect.Int:
		v.SetInt(r.Int64N(128)) // counts, prefixes, changes of priorities
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> (64 - v.Type().Bits()))
	default:
		panic("random: " + v.Type().String())
	}
}

func randomAddr(r *rand.Rand) netip.Addr {
	var b [16]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	if r.IntN(2) == 0 {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	b[0] = 0x20 // not an IPv4 address in disguise
	return netip.AddrFrom16(b)
}
