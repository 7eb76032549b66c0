import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

/** A real SMTP server on 127.0.0.1 that keeps what it is sent. */
export interface Mailbox extends AsyncDisposable {
  /** `smtp://127.0.0.1:PORT` */
  readonly url: string
  /** Mails as they arrived, headers and all. */
  readonly arrived: string[]
  /** True: every recipient is refused from now on. */
  isFull: boolean
}

export async function openMailbox(): Promise<Mailbox> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, done) => {
      done(mailbox.isFull ? new Error('mailbox full') : null)
    },
    onData: (stream, _session, done) => {
      let text = ''
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
      stream.on('end', () => {
        mailbox.arrived.push(text)
        done()
      })
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const mailbox: Mailbox = {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    arrived: [],
    isFull: false,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return mailbox
}
