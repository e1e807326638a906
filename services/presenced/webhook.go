package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/pflag"

	"github.com/presenced/presence/services/admin"
	"github.com/presenced/presence/services/envflag"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/webhook"
)

// webhookConfig is where who comes and who goes is posted to.
type webhookConfig struct {
	url    string // of the receiver; default none: nothing is posted
	secret string // that deliveries are signed with, as Standard Webhooks has it; both or neither

	address *url.URL // set by validate, like key; nil: nothing is posted
	key     webhook.Secret
}

func (c *webhookConfig) flags(fs *pflag.FlagSet) {
	fs.StringVar(&c.url, "webhook-url", "", "`address`, https://, to which joins and leaves of users of the whole cluster are posted")
	fs.StringVar(&c.secret, "webhook-secret", "", "`secret` that these are signed with: whsec_ and the base64 of 24 to 64 bytes")
	envflag.Secret(fs, "webhook-url", "webhook-secret") // an address may hold secrets
}

// validate also reads both. It never says what they are.
func (c *webhookConfig) validate() (err error) {
	switch {
	case c.url == "" && c.secret == "":
		return nil
	case c.url == "":
		return errors.New("WEBHOOK_SECRET (--webhook-secret) is set, and WEBHOOK_URL (--webhook-url) is not: set both, or neither")
	case c.secret == "":
		return errors.New("WEBHOOK_URL (--webhook-url) is set, and WEBHOOK_SECRET (--webhook-secret) is not: " +
			"make one with `echo whsec_$(openssl rand -base64 32)`, and give it to the receiver too")
	}
	if c.address, err = webhook.ParseURL(c.url); err != nil {
		return fmt.Errorf("WEBHOOK_URL (--webhook-url): %w", err)
	}
	if c.key, err = webhook.ParseSecret(c.secret); err != nil {
		return fmt.Errorf("WEBHOOK_SECRET (--webhook-secret): %w", err)
	}
	return nil
}

// hook makes what posts webhooks, if anything is to.
func (s *server) hook(bell *presence.Bell) {
	c := s.cfg.webhook
	if c.address == nil {
		return
	}
	if webhook.Plain(c.address) {
		s.log.Warn("WEBHOOK_URL is an http:// address: who is between can read who is online")
	}
	s.hooks = webhook.New(webhook.Config{
		Store: s.store.Store, Bell: bell, URL: c.address, Secret: c.key, Grace: s.cfg.grace,
		Node: s.cfg.nodeID, Version: version(), Log: s.log,
	})
}

// post posts webhooks until ctx ends.
func (s *server) post(ctx context.Context) {
	if s.hooks != nil {
		s.hooks.Run(ctx)
	}
}

// webhookMetrics are none where nothing is posted.
func (s *server) webhookMetrics() []admin.Metric {
	if s.hooks == nil {
		return nil
	}
	seen := func(read func(webhook.Stats) float64) func() float64 {
		return func() float64 { return read(s.hooks.Stats()) }
	}
	return []admin.Metric{
		{Name: "presence_webhook_leading", Help: "Whether this node posts webhooks: 1, or 0; one node of the cluster does.",
			Value: seen(func(w webhook.Stats) float64 {
				if w.Leading {
					return 1
				}
				return 0
			})},
		{Name: "presence_webhook_lag_seconds", Help: "How long the delivery that is being posted has waited to be taken; 0: none waits.",
			Value: seen(func(w webhook.Stats) float64 { return w.Lag.Seconds() })},
		{Name: "presence_webhook_posts_total", Help: "Posts of webhooks, by how they ended.", Total: true, Label: "outcome",
			Values: func() map[string]float64 { return floats(s.hooks.Stats().Posts) }},
		{Name: "presence_webhook_changes_total", Help: "Joins and leaves that were written down to be posted.", Total: true,
			Value: seen(func(w webhook.Stats) float64 { return float64(w.Changes) })},
		{Name: "presence_webhook_resyncs_total", Help: "How often the receiver began to be told anew who is online.", Total: true,
			Value: seen(func(w webhook.Stats) float64 { return float64(w.Resyncs) })},
	}
}
