"use client"

import { type FormEvent, useState } from "react"
import { Badge } from "#components/ui/badge.tsx"
import { Button, IconButton } from "#components/ui/button.tsx"
import { Card } from "#components/ui/card.tsx"
import { CopyButton } from "#components/ui/copy-button.tsx"
import { Dialog } from "#components/ui/dialog.tsx"
import { EmptyState } from "#components/ui/empty-state.tsx"
import { TextField } from "#components/ui/field.tsx"
import { RelativeTime } from "#components/ui/relative-time.tsx"
import { SelectField } from "#components/ui/select.tsx"
import { Cell, Row, Table } from "#components/ui/table.tsx"
import type { ApiKeyView, NewApiKeyView } from "#lib/keys/schema.ts"
import type { Command } from "./command.ts"
import { ConfirmDialog } from "./confirm-dialog.tsx"
import { useCan } from "./console-context.tsx"
import { PageHeader } from "./page-header.tsx"
import { ProblemNotice } from "./problem-notice.tsx"
import { RotateDialog } from "./rotate-dialog.tsx"
import { useCommand } from "./use-command.ts"

type CreateApiKey = Command<
  { name: string; defaultBotId: string | null; expiresAt: string | null },
  NewApiKeyView
>
type RotateApiKey = Command<{ keyId: string; overlapSeconds: number }, NewApiKeyView>

type ApiKeyBoardProps = {
  keys: ApiKeyView[]
  bots: { id: string; name: string }[]
  actions: {
    createApiKey: CreateApiKey
    rotateApiKey: RotateApiKey
    deleteApiKey: Command<{ keyId: string }>
  }
}

/** Keys for the business's own servers. The secret is shown once. */
export function ApiKeyBoard({ keys, bots, actions }: ApiKeyBoardProps) {
  const canWrite = useCan("apiKeys.write")
  const [isCreating, setCreating] = useState(false)
  const [fresh, setFresh] = useState<NewApiKeyView | null>(null)
  const [doomed, setDoomed] = useState<ApiKeyView | null>(null)
  const [replaced, setReplaced] = useState<ApiKeyView | null>(null)
  const rotate = useCommand(actions.rotateApiKey, {
    onDone: (key) => {
      setReplaced(null)
      setFresh(key)
    },
  })
  const remove = useCommand(actions.deleteApiKey, {
    doneMessage: "Deleted. The next request with it is refused.",
    onDone: () => setDoomed(null),
  })
  const create = canWrite ? (
    <Button look="action" icon="plus" onClick={() => setCreating(true)}>
      New API key
    </Button>
  ) : null

  return (
    <>
      <PageHeader
        title="API keys"
        description="For your developer’s servers. Never paste one into a web page: pages get a tag, on the bot’s Embed page."
        action={keys.length > 0 ? create : null}
      />
      <Card isFlush>
        {keys.length === 0 ? (
          <EmptyState title="No API keys" action={create}>
            You only need one if your own server talks to Coatcheck.
          </EmptyState>
        ) : (
          <Table
            label="API keys"
            head={[
              "Name",
              "Key",
              { label: "Default bot", className: "max-md:hidden" },
              "Last used",
              { label: "Expires", className: "max-md:hidden" },
              { label: "Actions", isHidden: true },
            ]}
          >
            {keys.map((key) => (
              <Row key={key.id}>
                <Cell className="font-medium wrap-anywhere max-sm:flex-1 max-sm:basis-[calc(100%-4rem)] sm:min-w-32">
                  {key.name}
                </Cell>
                <Cell className="font-mono text-13 whitespace-nowrap max-sm:order-1">
                  sk_…{key.lastFour}
                </Cell>
                <Cell from="md" className="text-quiet">
                  {bots.find((bot) => bot.id === key.defaultBotId)?.name ?? "None"}
                </Cell>
                <Cell
                  label="Last used"
                  className="whitespace-nowrap text-quiet max-sm:order-1 max-sm:text-13"
                >
                  {key.lastUsedAt ? <RelativeTime at={key.lastUsedAt} /> : "Never"}
                </Cell>
                <Cell from="md" className="whitespace-nowrap text-quiet">
                  <Expiry at={key.expiresAt} />
                </Cell>
                <Cell className="whitespace-nowrap text-end sm:w-px">
                  {canWrite ? (
                    <IconButton
                      icon="retry"
                      label={`Replace ${key.name}`}
                      onClick={() => setReplaced(key)}
                    />
                  ) : null}
                  {canWrite ? (
                    <IconButton
                      icon="trash"
                      label={`Delete ${key.name}`}
                      onClick={() => setDoomed(key)}
                    />
                  ) : null}
                </Cell>
              </Row>
            ))}
          </Table>
        )}
      </Card>
      {isCreating ? (
        <NewApiKeyDialog
          bots={bots}
          createApiKey={actions.createApiKey}
          onClose={() => setCreating(false)}
          onCreated={(key) => {
            setCreating(false)
            setFresh(key)
          }}
        />
      ) : null}
      {replaced ? (
        <RotateDialog
          title={`Replace the API key “${replaced.name}”?`}
          label="The old key"
          verb="Replace key"
          isRunning={rotate.isRunning}
          problem={rotate.problem}
          onClose={() => setReplaced(null)}
          onConfirm={(overlapSeconds) => void rotate.run({ keyId: replaced.id, overlapSeconds })}
        >
          You get a new key, shown once. Servers with the old one are refused as soon as it stops
          working.
        </RotateDialog>
      ) : null}
      {fresh ? <SecretDialog apiKey={fresh} onClose={() => setFresh(null)} /> : null}
      <ConfirmDialog
        isOpen={doomed !== null}
        onOpenChange={(isOpen) => (isOpen ? null : setDoomed(null))}
        title={`Delete the API key “${doomed?.name ?? ""}”?`}
        verb="Delete key"
        busyVerb="Deleting…"
        isRunning={remove.isRunning}
        problem={remove.problem}
        onConfirm={() => doomed && void remove.run({ keyId: doomed.id })}
      >
        Servers that use it are refused on their next request. Chats on your websites go on.
      </ConfirmDialog>
    </>
  )
}

function Expiry({ at }: { at: string | null }) {
  if (!at) return "Never"
  if (Date.parse(at) < Date.now()) return <Badge tone="bad">Expired</Badge>
  return <RelativeTime at={at} />
}

const lifetimes = [
  { value: "", label: "Never" },
  { value: "30", label: "In 30 days" },
  { value: "90", label: "In 90 days" },
  { value: "365", label: "In a year" },
]

type NewApiKeyDialogProps = {
  bots: { id: string; name: string }[]
  createApiKey: CreateApiKey
  onClose: () => void
  onCreated: (key: NewApiKeyView) => void
}

function NewApiKeyDialog({ bots, createApiKey, onClose, onCreated }: NewApiKeyDialogProps) {
  const command = useCommand(createApiKey, { onDone: onCreated })
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const values = new FormData(event.currentTarget)
    const days = Number(values.get("lifetime"))
    void command.run({
      expiresAt: days > 0 ? new Date(Date.now() + days * 86_400_000).toISOString() : null,
      name: String(values.get("name")),
      defaultBotId: String(values.get("bot") || "") || null,
    })
  }
  return (
    <Dialog isOpen onOpenChange={(isOpen) => (isOpen ? null : onClose())} title="New API key">
      <form onSubmit={submit} className="flex flex-col gap-4">
        <ProblemNotice problem={command.problem} fields={["name", "defaultBotId"]} />
        <TextField
          label="Name"
          name="name"
          maxLength={60}
          required
          autoComplete="off"
          hint="Where it will be used, such as “Booking server”."
          error={command.issue("name")}
        />
        <SelectField
          label="Default bot"
          name="bot"
          options={[
            { value: "", label: "None: each request names its bot" },
            ...bots.map((bot) => ({ value: bot.id, label: bot.name })),
          ]}
          error={command.issue("defaultBotId")}
        />
        <SelectField
          label="Expires"
          name="lifetime"
          options={lifetimes}
          defaultValue="365"
          error={command.issue("expiresAt")}
        />
        <Button
          type="submit"
          look="action"
          className="self-end"
          isBusy={command.isRunning}
          busyLabel="Creating…"
        >
          Create key
        </Button>
      </form>
    </Dialog>
  )
}

function SecretDialog({ apiKey, onClose }: { apiKey: NewApiKeyView; onClose: () => void }) {
  return (
    <Dialog
      isOpen
      onOpenChange={(isOpen) => (isOpen ? null : onClose())}
      title="Copy it now"
      description="This is the only time the key is shown. We keep no copy that can be read."
      width="wide"
      footer={<Button onClick={onClose}>I have copied it</Button>}
    >
      <div className="flex flex-wrap items-center gap-3 rounded-control border border-brass bg-brass-tint p-3">
        <code dir="ltr" className="min-w-0 flex-1 basis-56 font-mono text-13 wrap-anywhere">
          {apiKey.secret}
        </code>
        <CopyButton text={apiKey.secret} look="action" size="small" />
      </div>
    </Dialog>
  )
}
