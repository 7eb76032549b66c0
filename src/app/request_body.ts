/** Reading a request's JSON body with the same bounds as a delivery's. */
export { readJsonBody } from '../wire/json_body.ts'
