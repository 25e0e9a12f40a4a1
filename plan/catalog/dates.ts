/** When the catalog was read, and where. `npm run catalog:refresh` writes here. */

/** The day whose prices the catalog has. */
export const PRICES_AS_OF = "2026-07-20";

/** Where the prices come from, for a person who wants to check one. */
export const PRICES_SOURCE = "AWS price list by way of karpenter-provider-aws";

/** The day whose facts of the types the catalog has: EC2 DescribeInstanceTypes. */
export const TYPES_AS_OF = "2026-08-02";
