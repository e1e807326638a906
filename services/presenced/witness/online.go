package witness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// Online asks a node's operator's API, at an address such as http://127.0.0.1:8081,
// who is online: the connections of each user.
func Online(ctx context.Context, admin string) (map[string]int, error) {
	users := make(map[string]int)
	for after := ""; ; {
		page, err := onlinePage(ctx, admin, after)
		if err != nil {
			return nil, fmt.Errorf("ask %s who is online: %w", admin, err)
		}
		for _, u := range page.Users {
			users[u.User] = u.Connections
		}
		if after = page.Next; after == "" {
			return users, nil
		}
	}
}

// page is one answer of GET /online.
type page struct {
	Users []struct {
		User        string `json:"user"`
		Connections int    `json:"connections"`
	} `json:"users"`
	Next string `json:"next"`
}

func onlinePage(ctx context.Context, admin, after string) (p page, err error) {
	query := url.Values{"limit": {"1000"}}
	if after != "" {
		query.Set("after", after)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/online?"+query.Encode(), nil)
	if err != nil {
		return p, err
	}
	req.Close = true // the node may be gone before the next question
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return p, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return p, fmt.Errorf("it answers with %s", resp.Status)
	}
	err = json.NewDecoder(resp.Body).Decode(&p)
	return p, err
}
