import { BillhookError } from './error.ts'

/** ISO 4217 currencies in use: how many decimal digits the minor unit has. @source ISO 4217 list one, 2025 */
const EXPONENTS = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  2: 'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
} as const

const EXPONENT_OF: ReadonlyMap<string, number> = new Map(
  Object.entries(EXPONENTS).flatMap(([exponent, codes]) =>
    codes.split(' ').map((code) => [code, Number(exponent)] as const),
  ),
)

/** An ISO 4217 code in capitals, for example `EUR`. */
export type Currency = string

/** The code in capitals, or null if no currency in use has it. Providers print it in either case. */
export function parseCurrency(text: unknown): Currency | null {
  if (typeof text !== 'string') return null
  const code = text.toUpperCase()
  return EXPONENT_OF.has(code) ? code : null
}

/** @throws BillhookError `invalid_currency` */
export function requireCurrency(text: unknown): Currency {
  const code = parseCurrency(text)
  if (code === null)
    throw new BillhookError('invalid_currency', `${JSON.stringify(text)} is not an ISO 4217 currency code in use`)
  return code
}

/** Decimal digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD. */
export function exponentOf(currency: Currency): number {
  const exponent = EXPONENT_OF.get(currency)
  if (exponent === undefined)
    throw new BillhookError('invalid_currency', `${currency} is not an ISO 4217 currency code in use`)
  return exponent
}
