/** What the roles are called on the screen. */
export const roleNames = {
  owner: "Owner",
  admin: "Admin",
  member: "Member",
  viewer: "Viewer",
} as const

export type RoleName = keyof typeof roleNames
