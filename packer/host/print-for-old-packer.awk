# Prints a template without what Packer 1.6 doesn't know: lines that end in "# Packer 1.x+", and blocks whose first line does.
/# Packer 1\.[0-9]+\+$/ {
  if ($0 ~ /\{ *# /) { match($0, /^ */); closing = sprintf("%" RLENGTH "s}", ""); skipping = 1 }
  next
}
skipping { if ($0 == closing) skipping = 0; next }
{ print }
