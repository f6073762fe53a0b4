/** Routing tables of L4/3: one for each ghost gateway, counted for each IP version. The number of a rule is its priority. */
export const FIRST_TABLE = 7400;
/** As many as there may be clusters. */
export const LAST_TABLE = FIRST_TABLE + 63;
