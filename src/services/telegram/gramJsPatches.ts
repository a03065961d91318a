/* oxlint-disable no-underscore-dangle -- members of GramJS that have no public name */
/**
 * Repairs of GramJS 2.26.22, each for one fault that would lose data or hang. They change the library for the whole
 * process while installed, so they are counted and taken back, and they refuse any other version: a repair that no
 * longer fits is worse than none.
 */
import { returnBigInt } from "telegram/Helpers.js"
import gramJsPackage from "telegram/package.json" with { type: "json" }
import { AuthKey } from "telegram/crypto/AuthKey.js"
import { EntityCache } from "telegram/entityCache.js"
import gramJsErrors from "telegram/errors/index.js"
import { MTProtoSender } from "telegram/network/MTProtoSender.js"
import { FullPacketCodec } from "telegram/network/connection/TCPFull.js"
import { MemorySession } from "telegram/sessions/index.js"
import * as rsa from "telegram/crypto/RSA.js"

/** The only version the patches were written for. */
const patchedVersion = "2.26.22"

/** A client that lost its connection: the code of a transport error (-404: key unknown), 0 for anything else. */
export type ConnectionLost = (code: number) => void

const owners = new WeakMap<object, ConnectionLost>()

/** From now on a lost connection of this client is told to `lost`, and GramJS does not reconnect by itself. */
export const ownConnection = (client: object, lost: ConnectionLost): void => {
  owners.set(client, lost)
}

/** Telegram's answers stay well below this: files come in parts of half a mebibyte. */
const maxFrameBytes = 2 ** 24

// oxlint-disable-next-line typescript/no-explicit-any -- prototypes of a library are patched by name
type Patchable = Record<string, any>

/** Replaces one member and answers how to put it back. */
const replace = (target: Patchable, name: string, make: (original: Patchable[string]) => unknown) => () => {
  const original = target[name]
  if (typeof original !== "function") throw new Error(`GramJS has no ${name} to repair`)
  target[name] = make(original)
  return () => {
    target[name] = original
  }
}

const senders = MTProtoSender.prototype as unknown as Patchable

const patches = {
  /** An rpc_error inside a container ends the loop over its other messages: their callers wait for ever. */
  containerIsolation: [
    replace(
      senders,
      "_handleContainer",
      () =>
        async function (this: Patchable, message: Patchable) {
          let first: unknown
          for (const inner of message["obj"].messages) {
            try {
              await this["_processMessage"](inner)
            } catch (error) {
              first ??= error
            }
          }
          if (first !== undefined) throw first
        }
    )
  ],
  /** Errors keep only a part of the server's text ("FLOOD"); this keeps the code and the text whole. */
  serverErrorText: [
    replace(
      gramJsErrors as unknown as Patchable,
      "RPCMessageToError",
      (original) => (error: { errorCode: number; errorMessage: string }, request: unknown) =>
        Object.assign(original(error, request), { serverCode: error.errorCode, serverText: error.errorMessage })
    )
  ],
  /** GramJS's own reconnecting gives up silently, outlives a disconnect, and waits for ever on a dead key. */
  ownedReconnect: [
    replace(
      senders,
      "reconnect",
      (original) =>
        function (this: Patchable) {
          const lost = owners.get(this["_client"])
          return lost === undefined ? original.call(this) : lost(0)
        }
    ),
    replace(
      senders,
      "_handleBadAuthKey",
      (original) =>
        function (this: Patchable, skipForMain?: boolean) {
          const lost = owners.get(this["_client"])
          if (lost === undefined) return original.call(this, skipForMain)
          return skipForMain === true ? undefined : lost(-404)
        }
    )
  ],
  /** Every answer and update adds rows to memory that is never freed; Postroom passes complete peers. */
  noEntityMemory: [
    replace(MemorySession.prototype as unknown as Patchable, "processEntities", () => () => undefined),
    replace(EntityCache.prototype as unknown as Patchable, "add", () => () => undefined)
  ],
  /** A frame shorter than its own header makes the reader spin without ever yielding; a huge one reserves memory. */
  boundedFrames: [
    replace(
      FullPacketCodec.prototype as unknown as Patchable,
      "readPacket",
      (original) =>
        function (this: unknown, reader: { readonly readExactly: (count: number) => Promise<Buffer> }) {
          const readExactly = async (count: number) => {
            if (count < 4 || count > maxFrameBytes) throw new Error(`a frame of ${count} bytes`)
            return reader.readExactly(count)
          }
          return original.call(this, { readExactly })
        }
    )
  ],
  /** A key with a leading zero byte loses it (one handshake in 256) and then does not match the server's. */
  wholeAuthKey: [
    replace(
      AuthKey.prototype as unknown as Patchable,
      "setKey",
      (original) =>
        function (this: unknown, value: unknown) {
          const short = Buffer.isBuffer(value) && value.length < 256
          return original.call(this, short ? Buffer.concat([Buffer.alloc(256 - value.length), value]) : value)
        }
    )
  ]
} as const

export type GramJsPatch = keyof typeof patches

/** All patches, in the order they are installed. */
export const allGramJsPatches = Object.keys(patches) as ReadonlyArray<GramJsPatch>

const installed = new Map<GramJsPatch, { count: number; readonly undo: ReadonlyArray<() => void> }>()

/**
 * Installs patches for the whole process and answers how to take them back; a patch goes when its last user goes.
 * Throws on a GramJS of another version.
 */
export const installGramJsPatches = (names: ReadonlyArray<GramJsPatch>): (() => void) => {
  const { version } = gramJsPackage
  if (version !== patchedVersion) throw new Error(`the patches fit GramJS ${patchedVersion}, this is ${version}`)
  for (const name of names) {
    const entry = installed.get(name)
    if (entry === undefined) installed.set(name, { count: 1, undo: patches[name].map((install) => install()) })
    else entry.count += 1
  }
  return () => {
    for (const name of names) {
      const entry = installed.get(name)
      if (entry === undefined) continue
      entry.count -= 1
      if (entry.count > 0) continue
      for (const undo of entry.undo) undo()
      installed.delete(name)
    }
  }
}

/** Trusts a server's RSA key beside Telegram's own: modulus in hex, exponent, fingerprint in decimal. */
export const trustServerKey = (key: { readonly n: string; readonly e: number; readonly fingerprint: string }): void => {
  rsa._serverKeys.set(key.fingerprint, { n: returnBigInt(BigInt(`0x${key.n}`)), e: key.e })
}
