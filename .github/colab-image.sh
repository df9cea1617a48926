#!/usr/bin/env bash
# Inside Colab's image: copy the lessons out of the checkout, run each, and see that Colab's packages stayed.
set -euo pipefail
cp -r /repository /content/repository
cp -r /repository/lessons /content/lessons
export LLMKIT_SOURCE=/content/repository HF_HUB_OFFLINE=1

versions() { python3 -m pip freeze | grep -iE '^(torch|transformers|numpy|ipywidgets|plotly)=='; }

versions >/tmp/before
for lesson in /content/lessons/*/*.ipynb; do
    echo "== $lesson"
    (cd "$(dirname "$lesson")" && python3 -m jupyter nbconvert --to notebook --execute --output-dir /tmp/ran "$lesson")
done
versions >/tmp/after
diff /tmp/before /tmp/after || { echo "The setup cell changed Colab's own packages."; exit 1; }

echo "== Colab's versions beside ours (tests/colab/colab-versions.txt)"
grep -oE '^[a-zA-Z0-9._-]+==' /repository/tests/colab/colab-versions.txt | while read -r name; do
    python3 -m pip freeze | grep -i "^$name" || true
done | diff - <(grep == /repository/tests/colab/colab-versions.txt) || echo "The copy in tests/colab is out of date."
echo "Every lesson ran."
