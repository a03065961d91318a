/** Whether this run must not skip what it cannot do. */
export const isCi = (process.env["CI"] ?? "") !== ""
