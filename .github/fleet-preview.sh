#!/usr/bin/env bash
# Previews the accounts that a change affects: all where the program or its policies changed, else those whose settings did.
# Arguments: the fleet file, the commit that the change is compared with.
set -euo pipefail
file=$1 base=$2
program=(__main__.py Pulumi.yaml requirements.txt common components policies)

selection=()
if git diff --quiet "$base" -- "${program[@]}"; then
  matrix=$(.venv/bin/python -m operations fleet matrix --file "$file" --changed)
  read -ra selection < <(python3 -c '
import json, sys
print(*("--account=" + each["id"] for each in json.loads(sys.argv[1])["include"]))' "$matrix")
  if [ "${#selection[@]}" -eq 0 ]; then
    echo "### fleet preview: no account is affected" >preview.md
    exit 0
  fi
fi
.venv/bin/python -m operations fleet preview --file "$file" "${selection[@]}" \
  --policy-pack policies --markdown preview.md --html preview.html
