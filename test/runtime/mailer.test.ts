import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { expect, test } from 'vitest'
import { SmtpMailer } from '../../src/runtime/mailer.ts'

async function withServer(refuse: boolean, work: (url: string, received: string[]) => Promise<void>): Promise<void> {
  const received: string[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        received.push(Buffer.concat(chunks).toString())
        done(refuse ? new Error('mailbox full') : null)
      })
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  try {
    await work(`smtp://127.0.0.1:${port}`, received)
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}

const mail = {
  to: 'owner@example.com',
  subject: 'failing',
  text: 'It fails.',
  html: null,
  key: 'notice/1',
  headers: {},
}

test('mail is sent by SMTP, with the key as its Message-ID', async () => {
  await withServer(false, async (url, received) => {
    await using mailer = new SmtpMailer({ url, from: 'Billhook <b@example.com>', domain: 'example.com' })
    await mailer.send(mail)
    expect(received).toHaveLength(1)
    expect(received[0]).toContain('Message-ID: <notice-1@example.com>')
    expect(received[0]).toContain('To: owner@example.com')
    expect(received[0]).toContain('Auto-Submitted: auto-generated')
    expect(received[0]).toContain('It fails.')
  })
})

test('a server that does not take it is an error that the caller can try again', async () => {
  await withServer(true, async (url) => {
    await using mailer = new SmtpMailer({ url, from: 'b@example.com', domain: 'example.com' })
    await expect(mailer.send(mail)).rejects.toMatchObject({ code: 'mail_failed' })
  })
})
