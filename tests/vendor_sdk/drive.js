// Drives a server with the vendor's JavaScript SDK the way its README shows, and prints what came
// back as one JSON object on the last line. Usage: node drive.js URL USER PASSWORD SPACE WORKSPACE
'use strict'

const { Octane, Query } = require('@microfocus/alm-octane-js-rest-sdk')

const [server, user, password, sharedSpace, workspace] = process.argv.slice(2)
const base = `/api/shared_spaces/${sharedSpace}/workspaces/${workspace}`
const { defects, tests, manualTests, userTags } = {
  ...Octane.entityTypes, manualTests: 'manual_tests', // the SDK's own constant is misspelt
}
const by = (name) => Query.field(name)

function client (secret) {
  return new Octane({
    server, sharedSpace, workspace, user, password: secret,
    headers: { 'ALM-OCTANE-TECH-PREVIEW': true }
  })
}

async function refusal (promise) {
  try {
    await promise
  } catch (error) {
    const { status, data } = error.response
    return { status, data }
  }
  return { status: 200 }
}

// Every way in which the query builder can put a statement together, over fields of a defect.
function statements () {
  const then = new Date(Date.UTC(2020, 0, 1))
  const later = new Date(Date.UTC(2030, 0, 1, 12, 30, 15, 250))
  const one = () => by('id').equal(1001)
  return [
    by('id').equal(5), by('name').equal('test'), by('name').equal('*te st*'),
    by('has_attachments').equal(true), by('creation_time').equal(then), by('name').equal(''),
    by('name').equal('Łódź ünï 漢字 🙂 & # + % " ( ) \\ end'), by('name').equal("it's"),
    by('id').notEqual(5), by('id').less(5), by('id').notLess(5), by('id').greater(5),
    by('id').notGreater(5), by('id').lessEqual(5), by('id').notLessEqual(5),
    by('id').greaterEqual(5), by('id').notGreaterEqual(5), by('creation_time').less(later),
    by('last_modified').greaterEqual(then), by('id').between(1, 4),
    by('creation_time').between(then, later), by('id').inComparison([1, 2, 3]),
    by('name').inComparison(['a', 'b']), by('creation_time').inComparison([then]),
    by('owner').inComparison([one(), by('id').equal(1002)]),
    by('fixed_on').equal(Query.NULL), by('owner').equal(Query.NULL_REFERENCE),
    by('owner').notEqual(Query.NONE), by('user_tags').equal(one()),
    by('user_tags').equal(one()).or().field('user_tags').equal(Query.NONE),
    by('user_tags').equal(one().or(by('id').equal(2005))),
    by('user_tags').equal(one()).and(by('user_tags').equal(by('id').equal(3008))),
    by('id').notGreaterEqual(5028).and().field('name').notEqual('test'),
    by('id').greaterEqual(5028).group().not().and(by('name').equal('test').group().not()),
    by('creation_time').less(later).or().field('id').equal(5028).or().field('id').equal(5015),
    by('phase').equal(by('metaphase').equal(by('logical_name').equal('metaphase.work_item.done'))),
    by('severity').equal(by('id').equal('list_node.severity.high')).and(
      by('name').equal('a').not().group()).or(by('id').inComparison(['1', '2']))
  ].map((query) => query.build())
}

async function main () {
  const octane = client(password)
  const seen = {}

  seen.wrong_password = await refusal(client('wrong').authenticate())
  await octane.authenticate()
  seen.metadata = await octane.get(Octane.entityTypes.entitiesMetadata)
    .query(by('name').equal('defect').build()).execute()
  seen.user_defined = await octane.get(Octane.entityTypes.fieldsMetadata)
    .query(by('is_user_defined').equal(true).build()).execute()

  seen.created = await octane.create(defects, { name: 'One' }).execute()
  seen.created_many = await octane.create(defects, ['Two', 'Three', 'Four', 'Five']
    .map((name, index) => ({ name, story_points: index, description: `<p>${name}</p>` }))).execute()
  const first = seen.created.data[0].id
  const ids = [first, ...seen.created_many.data.map((row) => row.id)]

  seen.one = await octane.get(defects).at(first).execute()
  seen.one_with_fields = await octane.get(defects).at(first).fields('name', 'phase').execute()
  seen.page = await octane.get(defects).query(by('id').inComparison(ids).build())
    .fields('name', 'story_points').orderBy('-story_points', 'name').limit(2).offset(1).execute()

  seen.queries = {}
  for (const statement of statements()) {
    seen.queries[statement] = (await refusal(octane.get(defects).query(statement).execute())).status
  }

  const [tag] = (await octane.create(userTags, { name: 'from the SDK' }).execute()).data
  const change = { id: first, name: 'One, changed', user_tags: { data: [tag] } }
  seen.updated = await octane.update(defects, change).execute()
  await octane.update(defects, { story_points: 8 }).at(ids[1]).execute()
  seen.updated_many = await octane.updateBulk(defects, [
    { id: ids[2], story_points: 13 }, { id: ids[3], story_points: 21 }]).execute()
  seen.updated_by_query = await octane.updateBulk(defects, { story_points: 34 })
    .query(by('name').equal('Five').build()).execute()
  seen.after_updates = await octane.get(defects).query(by('id').inComparison(ids).build())
    .fields('name', 'story_points', 'user_tags').orderBy('id').execute()

  const [test] = (await octane.create(manualTests, { name: 'By hand' }).execute()).data
  await octane.executeCustomRequest(`${base}/tests/${test.id}/script`, Octane.operationTypes.update,
    { script: '- Open\n- ?It opens\n', comment: '', revision_type: 'Minor' })
  seen.script = await octane.get(tests).at(test.id).script().execute()

  const bytes = Buffer.from([0, 159, 146, 150, 13, 10, 255])
  seen.uploaded = await octane.uploadAttachment('bytes.bin', bytes, 'owner_work_item',
    { type: 'work_item', id: first }).execute()
  const attachment = seen.uploaded.data[0].id
  seen.attachment = await octane.get(Octane.entityTypes.attachments).at(attachment)
    .fields('name', 'size', 'owner_work_item').execute()
  await octane.uploadAttachment('words.txt', 'plain words', 'owner_work_item',
    { type: 'work_item', id: first }).execute()
  seen.words = await octane.getAttachmentContent().at(Number(attachment) + 1).execute()

  seen.custom = await octane.executeCustomRequest(`${base}/defects/${first}?fields=name`,
    Octane.operationTypes.get, undefined, { 'ALM-OCTANE-TECH-PREVIEW': true })

  seen.unknown_entity = await refusal(octane.get(defects).at(999999).execute())
  seen.unknown_collection = await refusal(octane.get('no_such_things').execute())
  seen.unknown_field = await refusal(octane.get(defects).fields('no_such_field').execute())
  seen.bad_query = await refusal(octane.get(defects).query('name EQ').execute())
  seen.bad_limit = await refusal(octane.get(defects).limit(100000).execute())
  seen.read_only = await refusal(octane.update(defects, { id: first, version_stamp: 5 }).execute())
  seen.duplicate = await refusal(octane.create(userTags, { name: 'from the SDK' }).execute())
  seen.partial = await refusal(octane.updateBulk(defects, [
    { id: ids[1], release: { type: 'release', id: '999999' } }, { id: ids[2], name: 'Three!' }
  ]).execute())

  await octane.executeCustomRequest('/simulator/faults', Octane.operationTypes.update,
    { add: ['expire'] })
  seen.after_expiry = await octane.get(defects).at(first).fields('name').execute()

  seen.deleted = await octane.delete(defects).at(first).execute() ?? null
  seen.deleted_by_query = await octane.delete(defects)
    .query(by('id').inComparison(ids.slice(1)).build()).execute()
  seen.left = await octane.get(defects).query(by('id').inComparison(ids).build()).execute()
  await octane.signOut()
  return seen
}

main().then(
  (seen) => process.stdout.write('\n' + JSON.stringify(seen) + '\n'),
  (error) => { console.error(error.response ? error.response.data : error); process.exit(1) }
)
