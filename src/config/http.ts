/** Where the API listens. */
import { text, whole } from "./Setting.ts"

export const httpHost = text({
  key: "HTTP_HOST",
  about: "Address the API listens on. Anything but loopback needs a token to exist.",
  shape: "an address or a host name",
  example: "0.0.0.0",
  fallback: "127.0.0.1"
})

export const httpPort = whole(
  { key: "HTTP_PORT", about: "Port the API listens on; 0 takes any.", example: "8080", fallback: "8080" },
  0,
  65_535
)
