# docker buildx bake: the image for both processor architectures.
# docker buildx bake --set '*.platform=linux/amd64' --load: for this machine only.

variable "TAG" {
  default = "tallystick:local"
}

target "default" {
  tags      = [TAG]
  platforms = ["linux/amd64", "linux/arm64"]
}
