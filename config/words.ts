/** The vocabulary of every room. */

/** A runtime image variant. */
export type Flavour = "cpu" | "cuda";

/** What a container does; it decides which programs its image holds. */
export type Role = "backend" | "server";

/** CPU architecture as container platforms name it. */
export type Architecture = "amd64" | "arm64" | "arm/v7";

/** How the front is reached: on this machine, through a session of AWS's SSM, from the user's networks, or from the Internet. */
export type Access = "loopback" | "ssm" | "private" | "public";

/** How a finding weighs: an `error` stops the preview, the others are printed. */
export type Severity = "error" | "warning" | "advice";

/** How a machine on EC2 is bought. */
export type Market = "on-demand" | "spot" | "capacity-block";
