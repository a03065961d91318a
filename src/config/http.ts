/** Where the API listens, and where a process without it does. */
import { text, whole } from "./Setting.ts"
import type { Setting } from "./Setting.ts"

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

const metricsPortNumber = whole(
  {
    key: "METRICS_PORT",
    about:
      "Port on which a process without the API answers health and metrics; 0 takes any. Not set: it listens on none.",
    example: "9464",
    fallback: ""
  },
  0,
  65_535
)

export const metricsPort: Setting<number | null> = {
  ...metricsPortNumber,
  parse: (value) => (value === "" ? null : metricsPortNumber.parse(value))
}
