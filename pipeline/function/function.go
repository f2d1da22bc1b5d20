// Package function is the set of functions that a template's expressions may
// call. Names and meanings are those of Packer's templates.
package function

import (
	"maps"

	"github.com/hashicorp/go-cty-funcs/cidr"
	"github.com/hashicorp/go-cty-funcs/collection"
	"github.com/hashicorp/go-cty-funcs/crypto"
	"github.com/hashicorp/go-cty-funcs/encoding"
	"github.com/hashicorp/go-cty-funcs/filesystem"
	"github.com/hashicorp/go-cty-funcs/uuid"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// All returns every function. Those that read files take relative paths from
// dir, the template's directory.
func All(dir string) map[string]function.Function {
	all := map[string]function.Function{}
	for _, set := range []map[string]function.Function{
		numbers, texts, collections, times, encodings, digests, networks, control, paths, remotes, files(dir),
	} {
		maps.Copy(all, set)
	}
	inside := maps.Clone(all)
	inside["templatefile"] = notInside
	all["templatefile"] = templateFile(dir, inside)
	return all
}

// WithEnv returns All plus env, which only a variable's default may call.
func WithEnv(dir string) map[string]function.Function {
	all := All(dir)
	all["env"] = env
	return all
}

var numbers = map[string]function.Function{
	"abs":      stdlib.AbsoluteFunc,
	"ceil":     stdlib.CeilFunc,
	"floor":    stdlib.FloorFunc,
	"log":      stdlib.LogFunc,
	"max":      stdlib.MaxFunc,
	"min":      stdlib.MinFunc,
	"parseint": stdlib.ParseIntFunc,
	"pow":      stdlib.PowFunc,
	"range":    stdlib.RangeFunc,
	"signum":   stdlib.SignumFunc,
	"sum":      sum,
}

var texts = map[string]function.Function{
	"chomp":         stdlib.ChompFunc,
	"endswith":      endsWith,
	"format":        stdlib.FormatFunc,
	"formatlist":    stdlib.FormatListFunc,
	"indent":        indent,
	"join":          stdlib.JoinFunc,
	"lower":         stdlib.LowerFunc,
	"regex":         stdlib.RegexFunc,
	"regex_replace": stdlib.RegexReplaceFunc,
	"regexall":      stdlib.RegexAllFunc,
	"replace":       stdlib.ReplaceFunc,
	"split":         stdlib.SplitFunc,
	"startswith":    startsWith,
	"strcontains":   strContains,
	"strrev":        stdlib.ReverseFunc,
	"substr":        stdlib.SubstrFunc,
	"title":         stdlib.TitleFunc,
	"trim":          stdlib.TrimFunc,
	"trimprefix":    stdlib.TrimPrefixFunc,
	"trimspace":     stdlib.TrimSpaceFunc,
	"trimsuffix":    stdlib.TrimSuffixFunc,
	"upper":         stdlib.UpperFunc,
}

var collections = map[string]function.Function{
	"alltrue":         allTrue,
	"anytrue":         anyTrue,
	"chunklist":       stdlib.ChunklistFunc,
	"coalesce":        collection.CoalesceFunc,
	"coalescelist":    stdlib.CoalesceListFunc,
	"compact":         stdlib.CompactFunc,
	"concat":          stdlib.ConcatFunc,
	"contains":        stdlib.ContainsFunc,
	"distinct":        stdlib.DistinctFunc,
	"element":         stdlib.ElementFunc,
	"flatten":         stdlib.FlattenFunc,
	"index":           index,
	"keys":            stdlib.KeysFunc,
	"length":          length,
	"lookup":          stdlib.LookupFunc,
	"merge":           stdlib.MergeFunc,
	"reverse":         stdlib.ReverseListFunc,
	"setintersection": stdlib.SetIntersectionFunc,
	"setproduct":      stdlib.SetProductFunc,
	"setunion":        stdlib.SetUnionFunc,
	"slice":           stdlib.SliceFunc,
	"sort":            stdlib.SortFunc,
	"values":          stdlib.ValuesFunc,
	"zipmap":          stdlib.ZipmapFunc,
}

var encodings = map[string]function.Function{
	"base64decode":     encoding.Base64DecodeFunc,
	"base64encode":     encoding.Base64EncodeFunc,
	"base64gzip":       base64Gzip,
	"csvdecode":        stdlib.CSVDecodeFunc,
	"jsondecode":       jsonDecode,
	"jsonencode":       stdlib.JSONEncodeFunc,
	"textdecodebase64": textDecodeBase64,
	"textencodebase64": textEncodeBase64,
	"urlencode":        encoding.URLEncodeFunc,
	"yamldecode":       yamlDecode,
	"yamlencode":       ctyyaml.YAMLEncodeFunc,
}

var digests = map[string]function.Function{
	"bcrypt":     crypto.BcryptFunc,
	"md5":        crypto.Md5Func,
	"rsadecrypt": crypto.RsaDecryptFunc,
	"sha1":       crypto.Sha1Func,
	"sha256":     crypto.Sha256Func,
	"sha512":     crypto.Sha512Func,
	"uuidv4":     uuid.V4Func,
	"uuidv5":     uuid.V5Func,
}

var networks = map[string]function.Function{
	"cidrhost":    cidr.HostFunc,
	"cidrnetmask": cidr.NetmaskFunc,
	"cidrsubnet":  cidr.SubnetFunc,
	"cidrsubnets": cidr.SubnetsFunc,
}

var control = map[string]function.Function{
	"can":     tryfunc.CanFunc,
	"convert": typeexpr.ConvertFunc,
	"try":     tryfunc.TryFunc,
}

var paths = map[string]function.Function{
	"abspath":    filesystem.AbsPathFunc,
	"basename":   filesystem.BasenameFunc,
	"dirname":    filesystem.DirnameFunc,
	"pathexpand": filesystem.PathExpandFunc,
}

// notNull promises that a result is not null, even before it is known.
func notNull(b *cty.RefinementBuilder) *cty.RefinementBuilder { return b.NotNull() }
