#!/usr/bin/env bash
#
# Makes the spoken tour from its text:
#
#	bash docs/tour.sh          writes tour.en.opus and tour.pt-BR.opus beside tour.md
#
# Needs espeak-ng and opusenc (Debian: espeak-ng, opus-tools). Each file carries the
# SHA-256 of the text that it speaks, by which a test knows whether it is of today's text.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# text prints the section of a heading, without the heading and what is for the eye only.
text() {
	awk -v heading="## $1" '/^## / { on = $0 == heading; next } on' tour.md
}

speak() {
	local heading=$1 voice=$2 speed=$3 language=$4 title=$5
	text "$heading" |
		espeak-ng -v "$voice" -s "$speed" --stdin --stdout |
		opusenc --quiet --bitrate 12 --vbr --speech --title "$title" --comment "LANGUAGE=$language" \
			--comment "TEXT_SHA256=$(text "$heading" | sha256sum | cut -d ' ' -f 1)" \
			- "tour.$language.opus"
}

for program in espeak-ng opusenc; do
	command -v "$program" >/dev/null || {
		echo "$program is missing: apt-get install espeak-ng opus-tools" >&2
		exit 1
	}
done
speak English en-us 172 en 'Presence, a tour in five minutes'
speak Português pt-br 182 pt-BR 'Presence, um passeio em cinco minutos'
