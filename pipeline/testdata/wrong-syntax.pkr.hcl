source "null" "a" {
  content = "unfinished
}
