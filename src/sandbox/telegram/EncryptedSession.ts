/**
 * The encrypted half of one connection: salts, sessions, message ids, containers and service messages. Service
 * messages are answered as what they are, never as an `rpc_result`: strict clients ask for ever otherwise.
 * Source: core.telegram.org/mtproto/service_messages.
 */
import { Effect } from "effect"
import { readBigIntFromBuffer } from "telegram/Helpers.js"
import { Api } from "telegram/tl/index.js"
import type { Accounts, AuthorizationKey } from "./Accounts.ts"
import { errorBody, type Dispatcher } from "./Dispatcher.ts"
import type { Fault, FaultScript } from "./Faults.ts"
import type { Files } from "./Files.ts"
import { decryptFromClient, encryptForClient } from "./MessageCrypto.ts"
import { decodeTl, splitContainer, TlDecodeFailure, type WireMessage } from "./TlDecoder.ts"
import { encodeFutureSalts, encodeResult, encodeStateInfo, words } from "./TlEncoder.ts"
import type { TlObject } from "./TlSchema.ts"

/** What a session sends: the payload of a frame. `close` ends the connection afterwards. */
export interface SessionOutput {
  readonly send: (payload: Buffer) => void
  readonly close: () => void
  /** Runs an answer that leaves later; interrupted with the connection. */
  readonly later: (millis: number, answer: () => void) => void
}

export interface SessionContext {
  readonly accounts: Accounts
  readonly files: Files
  readonly dispatcher: Dispatcher
  /** Only those scripted for `ping` are used here: such a ping is not answered. */
  readonly faults: FaultScript
  readonly dc: number
  readonly nowMillis: () => number
  readonly randomBytes: (count: number) => Buffer
  readonly gzipAbove: number
}

/** An encrypted session bound to one connection. */
export interface EncryptedSession {
  /** Takes one encrypted packet. Never fails; a packet that makes no sense closes the connection. */
  readonly receive: (packet: Buffer) => Effect.Effect<void>
  /** Pushes a TL value (an `updates`) to the client, if it is signed in and wants updates. */
  readonly push: (body: (key: AuthorizationKey) => Promise<Buffer | undefined>) => Promise<void>
}

interface Outgoing {
  readonly body: Buffer
  /** Content-related messages count in the sequence and are answers; service messages are neither. */
  readonly content: boolean
}

const long = (bytes: Buffer) => readBigIntFromBuffer(bytes, true, true)

const decodeFailure = (cause: unknown): TlDecodeFailure =>
  cause instanceof TlDecodeFailure ? cause : new TlDecodeFailure(String(cause))

/** Makes the session of one connection. */
export const makeEncryptedSession = (context: SessionContext, output: SessionOutput): EncryptedSession => {
  let current: { readonly key: AuthorizationKey; readonly session: Buffer } | undefined
  let wantsUpdates = true
  let lastId = 0n
  let sequence = 0
  let held: ReadonlyArray<Outgoing> = []
  const seen = new Set<string>()

  const nextId = (kind: 1n | 3n): Buffer => {
    const now = BigInt(Math.trunc(context.nowMillis()))
    const id = ((now / 1000n) << 32n) | ((now % 1000n) << 22n) | kind
    lastId = id > lastId ? id : (lastId & ~3n) + 4n + kind
    const out = Buffer.alloc(8)
    out.writeBigInt64LE(lastId)
    return out
  }
  const wrap = ({ body, content }: Outgoing): Buffer => {
    const number = content ? sequence++ * 2 + 1 : sequence * 2
    return Buffer.concat([nextId(content ? 1n : 3n), words(number, body.length), body])
  }
  const send = (...messages: ReadonlyArray<Outgoing>) => {
    if (current === undefined || messages.length === 0) return
    const inner = messages.map(wrap)
    const container = () => Buffer.concat([words(0x73f1f8dc, inner.length), ...inner])
    const message = inner.length === 1 ? inner[0]! : wrap({ body: container(), content: false })
    const { key, session } = current
    output.send(encryptForClient(key.key, key.salt, session, message, context.randomBytes))
  }
  const service = (value: { readonly getBytes: () => Buffer }): Outgoing => ({ body: value.getBytes(), content: false })

  /** Answers service messages; `undefined` when the request is a method call. */
  const serve = (id: Buffer, request: TlObject): Outgoing | "nothing" | undefined => {
    switch (request.className) {
      case "MsgsAck":
      case "MsgsStateInfo":
      case "MsgsAllInfo":
      case "MsgResendReq":
      case "HttpWait":
        return "nothing"
      case "Ping":
      case "PingDelayDisconnect":
        if (context.faults.take("ping") !== undefined) return "nothing"
        return service(new Api.Pong({ msgId: long(id), pingId: request["pingId"] }))
      case "GetFutureSalts": {
        const now = Math.trunc(context.nowMillis() / 1000)
        const salt = current?.key.salt ?? Buffer.alloc(8)
        return { body: encodeFutureSalts(id, now, [{ since: now, until: now + 86_400, salt }]), content: false }
      }
      case "MsgsStateReq":
        return { body: encodeStateInfo(id, request["msgIds"].length), content: false }
      case "DestroySession":
        return service(new Api.DestroySessionNone({ sessionId: request["sessionId"] }))
      case "RpcDropAnswer":
        return { body: encodeResult(id, new Api.RpcAnswerUnknown().getBytes(), Infinity), content: true }
      default:
        return undefined
    }
  }

  const deliver = (answers: ReadonlyArray<Outgoing>, fault: Fault | undefined) => {
    // Answers to a container leave together anyway.
    if (fault?.hold === true && answers.length < 2) {
      held = [...held, ...answers]
      return
    }
    const all = [...held, ...answers]
    held = []
    send(...all)
  }

  const answerOne = Effect.fnUntraced(function* (message: WireMessage, key: AuthorizationKey) {
    const decoded = yield* Effect.try({ try: () => decodeTl(message.body), catch: decodeFailure }).pipe(
      Effect.catch((failure) => Effect.succeed(failure))
    )
    if (decoded instanceof TlDecodeFailure) {
      const text = decoded.constructorId === undefined ? "INPUT_FETCH_ERROR" : "INPUT_CONSTRUCTOR_INVALID"
      return { answers: [{ body: encodeResult(message.id, errorBody(400, text), Infinity), content: true }] }
    }
    const served = serve(message.id, decoded)
    if (served !== undefined) return { answers: served === "nothing" ? [] : [served] }
    const view = { accounts: context.accounts, files: context.files, account: key.account }
    const reply = yield* context.dispatcher.dispatch(decoded, { key, dc: context.dc, view })
    if (reply.quiet) wantsUpdates = false
    const answers =
      reply.body === undefined ? [] : [{ body: encodeResult(message.id, reply.body, context.gzipAbove), content: true }]
    return { answers, fault: reply.fault }
  })

  /** The messages of a packet's body: the members of a container, or the body itself. */
  const members = (id: Buffer, number: number, body: Buffer): ReadonlyArray<WireMessage> => {
    const first = body.readUInt32LE(0)
    if (first === 0x73f1f8dc) return splitContainer(body.subarray(4))
    return [{ id: Buffer.from(id), sequence: number, body: Buffer.from(body) }]
  }

  const receive = Effect.fnUntraced(function* (packet: Buffer) {
    const key = context.accounts.keys.get(packet.subarray(0, 8).toString("hex"))
    if (key === undefined) return output.send(words(-404))
    const plain = decryptFromClient(key.key, packet)
    if (plain === undefined) return output.close()
    current = { key, session: Buffer.from(plain.session) }
    const bad = { badMsgId: long(plain.id), badMsgSeqno: plain.sequence }
    if (!plain.salt.equals(key.salt)) {
      return send(service(new Api.BadServerSalt({ ...bad, errorCode: 48, newServerSalt: long(key.salt) })))
    }
    if ((plain.id[0]! & 3) !== 0) return send(service(new Api.BadMsgNotification({ ...bad, errorCode: 18 })))
    const session = plain.session.toString("hex")
    const news: Array<Outgoing> = []
    if (!key.sessions.has(session)) {
      key.sessions.add(session)
      const uniqueId = long(context.randomBytes(8))
      news.push(
        service(new Api.NewSessionCreated({ firstMsgId: long(plain.id), uniqueId, serverSalt: long(key.salt) }))
      )
    }
    send(...news)
    const messages = yield* Effect.try({
      try: () => members(plain.id, plain.sequence, plain.body),
      catch: decodeFailure
    }).pipe(Effect.catch((failure) => Effect.succeed(failure)))
    if (messages instanceof TlDecodeFailure) {
      return send(service(new Api.BadMsgNotification({ ...bad, errorCode: 64 })))
    }
    const answers: Array<Outgoing> = []
    let fault: Fault | undefined
    for (const message of messages) {
      const id = message.id.toString("hex")
      if (seen.has(id)) continue
      seen.add(id)
      if (seen.size > 1000) seen.delete(seen.values().next().value ?? "")
      const outcome = yield* answerOne(message, key)
      answers.push(...outcome.answers)
      fault = outcome.fault ?? fault
    }
    if (fault?.transportError !== undefined) return output.send(words(fault.transportError))
    if (fault?.dropBefore === true || fault?.dropAfter === true) return output.close()
    if (fault?.delayMs === undefined) deliver(answers, fault)
    else output.later(fault.delayMs, () => deliver(answers, undefined))
  })

  return {
    receive,
    push: async (body) => {
      if (current?.key.account === undefined || !wantsUpdates) return
      const bytes = await body(current.key)
      if (bytes !== undefined) send({ body: bytes, content: true })
    }
  }
}
