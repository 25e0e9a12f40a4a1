import type { ClusterTransform } from "../components/create.ts";

/**
 * The escape hatch of this project: changes to single resources that no option of a stack file covers.
 * Each function gets the arguments of one resource and returns the ones to use. Addresses, memory and llama.cpp's
 * flags belong to the plan: if they are changed here, the plan is wrong.
 *
 * | key | called for |
 * |---|---|
 * | `docker.image`, `aws.image` | each build of an image |
 * | `docker.front`, `docker.backend` | the container of the front, of each backend |
 * | `aws.instance` | each machine |
 *
 * @example
 * export const transform: ClusterTransform = {
 *   docker: { backend: (args) => ({ ...args, cpuShares: 512 }) },
 *   aws: { instance: (args) => ({ ...args, monitoring: true }) },
 * };
 */
export const transform: ClusterTransform = {};
