package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/geneontology/packer-plugin-amigo/internal/host/leave"
)

// dataBlock is a data source of a template.
type dataBlock struct {
	typ, name string
	declared  hcl.Range
	body      hcl.Body
}

func (d *dataBlock) ref() string { return "data." + d.typ + "." + d.name }

func (d *dataBlock) String() string { return string(kindDataSource) + " " + d.typ + "." + d.name }

func (t *Template) readData(Input) hcl.Diagnostics {
	blocks, diags := t.files.blocks("data")
	for _, block := range blocks {
		d := &dataBlock{typ: block.Labels[0], name: block.Labels[1], declared: block.DefRange, body: block.Body}
		if old, ok := t.data[d.ref()]; ok {
			diags = append(diags, errorAt(d.declared, "Duplicate data source", "%s is declared already, at %s.", d, old.declared))
		}
		t.data[d.ref()] = d
	}
	return diags
}

// dataRef returns the data source that a traversal leads to, as data.TYPE.NAME, or "".
func dataRef(traversal hcl.Traversal) string {
	if traversal.RootName() != "data" || len(traversal) < 3 {
		return ""
	}
	typ, _ := attributeOf(traversal, "data")
	name, ok := attributeOf(append(hcl.Traversal{hcl.TraverseRoot{Name: typ}}, traversal[2:]...), typ)
	if !ok {
		return ""
	}
	return "data." + typ + "." + name
}

// usedData returns which data sources anything in the template refers to. What a file in
// JSON or a reference without a name may mean is all of them.
func (t *Template) usedData() map[string]bool {
	used := map[string]bool{}
	for _, written := range t.files.written {
		body, native := written.(*hclsyntax.Body)
		if !native {
			return t.allData()
		}
		vague := false
		_ = hclsyntax.VisitAll(body, func(node hclsyntax.Node) hcl.Diagnostics {
			if e, ok := node.(*hclsyntax.ScopeTraversalExpr); ok && e.Traversal.RootName() == "data" {
				ref := dataRef(e.Traversal)
				used[ref] = true
				vague = vague || ref == ""
			}
			return nil
		})
		if vague {
			return t.allData()
		}
	}
	return used
}

func (t *Template) allData() map[string]bool {
	all := map[string]bool{}
	for ref := range t.data {
		all[ref] = true
	}
	return all
}

// read returns the value of a data source, after those of what it refers to.
func (r *resolver) read(d *dataBlock) (cty.Value, hcl.Diagnostics) {
	factory := r.registry.DataSources[d.typ]
	if factory == nil {
		return cty.DynamicVal, r.registry.unknown(kindDataSource, d.typ, d.declared)
	}
	var source packersdk.Datasource
	err := guard("making it", func() (err error) {
		source, err = factory(r.ctx)
		return err
	})
	if err != nil {
		return cty.DynamicVal, d.faults("Invalid "+d.String(), err)
	}
	defer closeInstance(source)
	defer closeWith(r.ctx, source)()
	config, diags := r.decode(d, source)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	value, more := run(r.ctx, d, source, config, r.used[d.ref()])
	return value, append(diags, more...)
}

// decode returns a data source's arguments.
func (r *resolver) decode(d *dataBlock, source packersdk.Datasource) (cty.Value, hcl.Diagnostics) {
	var spec hcldec.ObjectSpec
	if err := guard("describing itself", func() error { spec = source.ConfigSpec(); return nil }); err != nil {
		return cty.NilVal, d.faults("Invalid "+d.String(), err)
	}
	r.follow(dynblock.VariablesHCLDec(d.body, spec))
	context := r.visible().context()
	return hcldec.Decode(dynblock.Expand(d.body, context), spec, context)
}

// run configures a data source and returns what it gives; a value that is not known, of
// the right type, if it is not executed.
func run(ctx context.Context, d *dataBlock, source packersdk.Datasource, config cty.Value, execute bool) (cty.Value, hcl.Diagnostics) {
	var output hcldec.ObjectSpec
	err := guard("preparing it", func() error {
		output = source.OutputSpec()
		return source.Configure(placeholders(config))
	})
	if err != nil {
		return cty.DynamicVal, d.faults("Invalid "+d.String(), err)
	}
	unknown := cty.UnknownVal(hcldec.ImpliedType(output))
	if !execute {
		return unknown, nil
	}
	value, err := ask(ctx, source)
	if err == nil {
		value, err = conform(value, unknown.Type())
	}
	if err != nil {
		return unknown, d.faults("The "+d.String()+" failed", err)
	}
	return value, nil
}

// ask executes a data source, and does not wait for it when ctx is done: Packer's
// interface has no way to stop one.
func ask(ctx context.Context, source packersdk.Datasource) (cty.Value, error) {
	return leave.Behind(ctx, 0, func() (value cty.Value, err error) {
		err = guard("executing it", func() (err error) {
			value, err = source.Execute()
			return err
		})
		return value, err
	})
}

// conform returns a value as one of the type that its source promised.
func conform(value cty.Value, promised cty.Type) (cty.Value, error) {
	if value == cty.NilVal {
		return value, errors.New("it gave no value")
	}
	value, err := convert.Convert(value, promised)
	if err != nil {
		return value, fmt.Errorf("it gave a value that is not of the type it promised: %w", err)
	}
	return value, nil
}

// faults makes one diagnostic of each error of a data source.
func (d *dataBlock) faults(summary string, err error) hcl.Diagnostics {
	return faultsAt(d.declared, summary, err)
}
