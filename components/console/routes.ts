/** Every address of the console, in one place. */
export const routes = {
  home: (tenantId: string) => `/console/${tenantId}`,
  bot: (tenantId: string, botId: string) => `/console/${tenantId}/bots/${botId}`,
  knowledge: (tenantId: string, botId: string) => `/console/${tenantId}/bots/${botId}/knowledge`,
  conversations: (tenantId: string, botId: string) =>
    `/console/${tenantId}/bots/${botId}/conversations`,
  playground: (tenantId: string, botId: string) => `/console/${tenantId}/bots/${botId}/playground`,
  embed: (tenantId: string, botId: string) => `/console/${tenantId}/bots/${botId}/embed`,
  embedKey: (tenantId: string, botId: string, keyId: string) =>
    `/console/${tenantId}/bots/${botId}/embed/${keyId}`,
  quality: (tenantId: string, botId: string) => `/console/${tenantId}/bots/${botId}/quality`,
  gaps: (tenantId: string, botId: string) => `/console/${tenantId}/bots/${botId}/quality/gaps`,
  tools: (tenantId: string, botId: string) => `/console/${tenantId}/bots/${botId}/tools`,
  botLeads: (tenantId: string, botId: string) => `/console/${tenantId}/leads?bot=${botId}`,
  botSettings: (tenantId: string, botId: string) => `/console/${tenantId}/bots/${botId}/settings`,
  leads: (tenantId: string) => `/console/${tenantId}/leads`,
  usage: (tenantId: string) => `/console/${tenantId}/usage`,
  team: (tenantId: string) => `/console/${tenantId}/team`,
  apiKeys: (tenantId: string) => `/console/${tenantId}/api-keys`,
  audit: (tenantId: string) => `/console/${tenantId}/audit`,
  settings: (tenantId: string) => `/console/${tenantId}/settings`,
} as const
