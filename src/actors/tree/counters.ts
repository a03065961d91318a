/**
 * What each user sees of each tag, kept exact by differences: every change of a
 * branch ends in the same statement with what it changed for whom. The rows of
 * an owner have one writer, so that nobody waits and nothing is lost; a
 * user's total is the sum over all owners.
 */
import { ints } from "../../database/columns.ts"
import type { Turn } from "./Turn.ts"

/** Those who see every live item of the owner: the owner, and everybody (0) where the owner is public. */
export const alwaysSeeing = ({ owner, isPublic }: Pick<Turn, "owner" | "isPublic">): unknown =>
  ints(isPublic ? [owner, 0] : [owner])

/**
 * The end of a statement whose CTE `delta (viewer, tag, n)` says by how much
 * each count changes. `owner` is the parameter with the owner's number.
 */
export const applyDelta = (owner: string): string => `
  more AS (
    INSERT INTO viewer_tag AS c (viewer, owner, tag, n)
    SELECT viewer, ${owner}::int, tag, n FROM delta WHERE n > 0
    ON CONFLICT (viewer, tag, owner) DO UPDATE SET n = c.n + excluded.n),
  none AS (
    DELETE FROM viewer_tag c USING delta d
    WHERE d.n < 0 AND c.owner = ${owner} AND c.viewer = d.viewer AND c.tag = d.tag AND c.n = -d.n),
  less AS (
    UPDATE viewer_tag c SET n = c.n + d.n FROM delta d
    WHERE d.n < 0 AND c.owner = ${owner} AND c.viewer = d.viewer AND c.tag = d.tag AND c.n <> -d.n)`

/**
 * The delta of items whose tags came or went: a CTE `changed (viewers, tags,
 * is_live)` has those tags. What is alike is counted before it is taken apart:
 * of a large branch few differ. `always` is the parameter with those who
 * see everything.
 */
export const tagDelta = (sign: 1 | -1, always: string): string => `
  alike AS (SELECT viewers, tags, count(*)::int AS n FROM changed WHERE is_live GROUP BY viewers, tags),
  tagged AS (SELECT viewers, unnest(tags) AS tag, n FROM alike),
  seen AS (SELECT viewers, tag, sum(n)::int AS n FROM tagged GROUP BY viewers, tag),
  each AS (SELECT unnest(viewers || ${always}::int[]) AS viewer, tag, n FROM seen),
  delta AS (SELECT viewer, tag, sum(n) * ${sign} AS n FROM each GROUP BY viewer, tag)`

/**
 * The delta of items that came into some users' sight and out of others': a CTE
 * `changed (gained, lost, tags, is_live)` has both. No user may be gained by one
 * item and lost by another.
 */
export const viewerDelta = `
  alike AS (SELECT gained, lost, tags, count(*)::int AS n FROM changed WHERE is_live GROUP BY gained, lost, tags),
  tagged AS (SELECT gained, lost, unnest(tags) AS tag, n FROM alike),
  seen AS (SELECT gained, lost, tag, sum(n)::int AS n FROM tagged GROUP BY gained, lost, tag),
  each AS (
    SELECT unnest(gained) AS viewer, tag, n FROM seen
    UNION ALL
    SELECT unnest(lost) AS viewer, tag, -n FROM seen),
  delta AS (SELECT viewer, tag, sum(n) AS n FROM each GROUP BY viewer, tag)`
