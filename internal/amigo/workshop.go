package amigo

import (
	"context"
	"fmt"
	"time"

	"github.com/geneontology/packer-plugin-amigo/internal/amigo/deploy"
	"github.com/geneontology/packer-plugin-amigo/internal/amigo/workshop"
	"github.com/geneontology/packer-plugin-amigo/internal/host/regular"
	"github.com/geneontology/packer-plugin-amigo/internal/ui/field"
	"github.com/geneontology/packer-plugin-amigo/pipeline/event"
)

// open returns the workshop, and says where it is when it first does.
func (p *provision) open(ctx context.Context, phase *event.Phase) (workshop.Workshop, error) {
	if p.shop != nil {
		return p.shop, nil
	}
	if p.BundleOn != Guest {
		shop, err := workshop.OnHost(ctx, p.cache, p.rootfs)
		if err == nil {
			phase.Say("built natively, in the guest's own root file system")
			p.shop = shop
			return shop, nil
		}
		if p.BundleOn == Host || ctx.Err() != nil {
			return nil, field.Errorf("BundleOn", "%q is not possible: %w", Host, err)
		}
		phase.Say(fmt.Sprintf("built in the guest, which is slow: %v", err))
	}
	if err := p.trust(ctx); err != nil {
		return nil, err
	}
	shop, err := workshop.InGuest(ctx, p.guest)
	if err == nil {
		p.shop = shop
	}
	return shop, err
}

// close leaves nothing of the workshop in the guest, even after Ctrl-C.
func (p *provision) close(ctx context.Context) {
	if p.shop == nil || !p.shop.Remote() {
		return
	}
	patience := 5 * time.Minute
	if ctx.Err() != nil {
		patience = 2 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := p.shop.Close(ctx); err != nil {
		p.sink.Emit(event.Event{Type: event.Detail, Text: fmt.Sprintf("clearing the workshop: %v", err)})
	}
}

// trust makes the guest trust the authorities before it uses the network.
func (p *provision) trust(ctx context.Context) error {
	if len(p.Authorities) == 0 || p.trusted {
		return nil
	}
	p.trusted = true
	var texts []string
	for _, file := range p.Authorities {
		text, err := regular.ReadFile(file, regular.Document)
		if err != nil {
			return field.Wrap("Authorities", err)
		}
		texts = append(texts, string(text))
	}
	return deploy.Trust(ctx, p.guest, texts)
}
