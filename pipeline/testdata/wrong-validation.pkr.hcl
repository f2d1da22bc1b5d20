# var=size=-3
variable "size" {
  type = number
  validation {
    condition     = var.size > 0
    error_message = "The size must be more than nothing"
  }
}
variable "unset" {}
