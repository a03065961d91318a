/** Advisory locks with two numbers that are held in this database, which are those of processes that live. */

/** The condition of a row `l` of pg_locks to be one of the class, as SQL. */
export const isHeldLock = (classId: string): string =>
  `l.locktype = 'advisory' AND l.classid = ${classId} AND l.objsubid = 2 AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`
