package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// The spoken tour says what its text says today, in both languages: docs/tour.sh leaves
// the hash of a text in the file that speaks it.
func TestTour_IsOfTodaysText(t *testing.T) {
	text, err := os.ReadFile("../../docs/tour.md")
	if err != nil {
		t.Fatal(err)
	}
	for heading, file := range map[string]string{"English": "tour.en.opus", "Português": "tour.pt-BR.opus"} {
		_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
		if !found {
			t.Fatalf("docs/tour.md has no section %s", heading)
		}
		if before, _, more := strings.Cut(section, "\n## "); more {
			section = before + "\n"
		}
		sound, err := os.ReadFile("../../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(sound, []byte("OggS")) || !bytes.Contains(sound[:64], []byte("OpusHead")) {
			t.Errorf("docs/%s is no Ogg file with Opus in it", file)
		}
		sum := sha256.Sum256([]byte(section))
		if !bytes.Contains(sound, []byte("TEXT_SHA256="+hex.EncodeToString(sum[:]))) {
			t.Errorf("docs/%s speaks another text than docs/tour.md has: run bash docs/tour.sh", file)
		}
	}
}
