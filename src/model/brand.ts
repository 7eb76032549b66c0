/** A value of type `T` that only one checking function can make. The brand exists in the types alone. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name }
