/** The password comes from the environment: everybody on the machine can read arguments. */
export function controlCredentials(): { readonly password?: string } {
  const password = process.env.LEEK_CONTROL_PASSWORD;
  return password === undefined || password === "" ? {} : { password };
}
